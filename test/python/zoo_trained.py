"""Models of scikit-learn, LightGBM, XGBoost and CatBoost, exported with the exporters' default options."""

import catboost
import lightgbm
import numpy as np
import onnx.helper
import onnxmltools
import pandas as pd
import skl2onnx
import xgboost
from onnxmltools.convert.common.data_types import FloatTensorType
from skl2onnx.common.data_types import StringTensorType
from sklearn import calibration, cluster, cross_decomposition, decomposition, discriminant_analysis, ensemble, feature_selection
from sklearn import gaussian_process, linear_model, mixture, multiclass, multioutput, naive_bayes, neighbors, neural_network, svm, tree
from sklearn.compose import ColumnTransformer
from sklearn.datasets import load_digits
from sklearn.feature_extraction.text import CountVectorizer, TfidfVectorizer
from sklearn.impute import SimpleImputer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import KBinsDiscretizer, MinMaxScaler, OneHotEncoder, OrdinalEncoder, PolynomialFeatures, StandardScaler
from zoo_cases import RNG, ROWS, SEED, WIDTH, attempt, case, numbered, refused

VALUES = RNG.normal(size=(ROWS, WIDTH))
DATA = numbered(VALUES)
X = VALUES.astype(np.float32)
SCORE = VALUES[:, 0] + VALUES[:, 1] * VALUES[:, 2] + 0.3 * VALUES[:, 3]
YES = (SCORE > 0.2).astype(np.int64)
LEVEL = np.digitize(SCORE, [-1, 0, 1])
CITY = np.array(["Berlin", "Lyon", "Porto", "Rome"])[LEVEL]
AMOUNT = SCORE * 10 + 100
COUNTS = np.floor(np.abs(VALUES) * 5)

make_attribute = onnx.helper.make_attribute


def plain_numbers(key, value, *more, **named):
    """onnx 1.23 takes Python's numbers; converters of scikit-learn give some of numpy's."""
    if isinstance(value, np.ndarray):
        value = value.tolist()
    if isinstance(value, list):
        value = [v.item() if isinstance(v, np.generic) else v for v in value]
        value = [int(v) if isinstance(v, bool) else v for v in value]
    return make_attribute(key, value, *more, **named)


onnx.helper.make_attribute = plain_numbers


def exported(name, model, target=None, rows=X, data=DATA, feeds=None):
    def make():
        fitted = model.fit(rows) if target is None else model.fit(rows, target)
        case(name, skl2onnx.to_onnx(fitted, rows[:1]), data, {"X": rows} if feeds is None else feeds)

    attempt(name, make)


def classifiers():
    e, l, n = ensemble, linear_model, naive_bayes
    tree_ = tree.DecisionTreeClassifier(max_depth=5, random_state=SEED)
    for name, model, target in [
        ("logistic", l.LogisticRegression(), YES),
        ("logistic-texts", l.LogisticRegression(), CITY),
        ("logistic-two-texts", l.LogisticRegression(), np.where(YES == 1, "yes", "no")),
        ("logistic-bool", l.LogisticRegression(), YES == 1),
        ("sgd", l.SGDClassifier(loss="log_loss", random_state=SEED), LEVEL),
        ("perceptron", l.Perceptron(random_state=SEED), YES),
        ("ridge-classifier", l.RidgeClassifier(), LEVEL),
        ("linear-svc", svm.LinearSVC(random_state=SEED), LEVEL),
        ("svc", svm.SVC(probability=True, random_state=SEED), YES),
        ("svc-texts", svm.SVC(probability=True, random_state=SEED), CITY),
        ("svc-plain", svm.SVC(), LEVEL),
        ("knn", neighbors.KNeighborsClassifier(), LEVEL),
        ("gaussian-bayes", n.GaussianNB(), LEVEL),
        ("bernoulli-bayes", n.BernoulliNB(), YES),
        ("mlp-classifier", neural_network.MLPClassifier((16,), max_iter=60, random_state=SEED), LEVEL),
        ("tree-classifier", tree_, CITY),
        ("forest-classifier", e.RandomForestClassifier(20, random_state=SEED), CITY),
        ("extra-trees", e.ExtraTreesClassifier(20, random_state=SEED), YES),
        ("boosting-two", e.GradientBoostingClassifier(n_estimators=20, random_state=SEED), YES),
        ("boosting-four", e.GradientBoostingClassifier(n_estimators=10, random_state=SEED), LEVEL),
        ("hist-two", e.HistGradientBoostingClassifier(max_iter=20), YES),
        ("hist-four", e.HistGradientBoostingClassifier(max_iter=10), LEVEL),
        ("ada-classifier", e.AdaBoostClassifier(n_estimators=8, random_state=SEED), LEVEL),
        ("bagging-classifier", e.BaggingClassifier(n_estimators=5, random_state=SEED), YES),
        ("voting", e.VotingClassifier([("a", l.LogisticRegression()), ("b", tree_)], voting="soft", flatten_transform=False), LEVEL),
        ("stacking", e.StackingClassifier([("a", l.LogisticRegression()), ("b", tree_)]), YES),
        ("calibrated", calibration.CalibratedClassifierCV(l.LogisticRegression(), cv=3), YES),
        ("one-vs-rest", multiclass.OneVsRestClassifier(l.LogisticRegression()), LEVEL),
        ("lda", discriminant_analysis.LinearDiscriminantAnalysis(), LEVEL),
        ("qda", discriminant_analysis.QuadraticDiscriminantAnalysis(), YES),
        ("pipeline-classifier", make_pipeline(StandardScaler(), decomposition.PCA(4), l.LogisticRegression()), CITY),
        ("selected", make_pipeline(feature_selection.SelectKBest(k=4), PolynomialFeatures(2), l.LogisticRegression(max_iter=400)), YES),
        ("binned", make_pipeline(KBinsDiscretizer(4, encode="onehot-dense"), l.LogisticRegression()), LEVEL),
    ]:
        exported(name, model, target)
    counts = COUNTS.astype(np.float32)
    exported("multinomial-bayes", n.MultinomialNB(), LEVEL, counts, numbered(COUNTS))
    exported("complement-bayes", n.ComplementNB(), LEVEL, counts, numbered(COUNTS))
    process = gaussian_process.GaussianProcessClassifier(random_state=SEED).fit(X, YES)
    # An operator that no release of ONNX Runtime has; Python cannot load it either.
    refused("gaussian-process-classifier", skl2onnx.to_onnx(process, X[:1]), DATA, r"MODEL_CUSTOM_OP: .*com\.microsoft:Solve.*export it with")
    exported("multi-label", multioutput.MultiOutputClassifier(l.LogisticRegression()), np.stack([YES, 1 - YES * (LEVEL > 2)], 1))


def regressors():
    e, l = ensemble, linear_model
    tree_ = tree.DecisionTreeRegressor(max_depth=5, random_state=SEED)
    for name, model in [
        ("linear", l.LinearRegression()),
        ("ridge", l.Ridge()),
        ("lasso", l.LassoCV(cv=3)),
        ("elastic", l.ElasticNet(alpha=0.1)),
        ("bayesian-ridge", l.BayesianRidge()),
        ("huber", l.HuberRegressor()),
        ("poisson", l.PoissonRegressor()),
        ("tweedie", l.TweedieRegressor(power=1.5)),
        ("ransac", l.RANSACRegressor(random_state=SEED)),
        ("svr", svm.SVR()),
        ("linear-svr", svm.LinearSVR(random_state=SEED)),
        ("knn-regressor", neighbors.KNeighborsRegressor()),
        ("mlp-regressor", neural_network.MLPRegressor(hidden_layer_sizes=(16,), max_iter=60, random_state=SEED)),
        ("tree-regressor", tree_),
        ("forest-regressor", e.RandomForestRegressor(20, random_state=SEED)),
        ("boosting-regressor", e.GradientBoostingRegressor(n_estimators=20, random_state=SEED)),
        ("hist-regressor", e.HistGradientBoostingRegressor(max_iter=20)),
        ("ada-regressor", e.AdaBoostRegressor(n_estimators=8, random_state=SEED)),
        ("bagging-regressor", e.BaggingRegressor(n_estimators=5, random_state=SEED)),
        ("voting-regressor", e.VotingRegressor([("a", l.Ridge()), ("b", tree_)])),
        ("stacking-regressor", e.StackingRegressor([("a", l.Ridge()), ("b", tree_)])),
        ("gaussian-process", gaussian_process.GaussianProcessRegressor(alpha=0.5, random_state=SEED)),
        ("pls", cross_decomposition.PLSRegression(3)),
    ]:
        exported(name, model, AMOUNT)
    exported("two-targets", e.RandomForestRegressor(10, random_state=SEED), np.stack([AMOUNT, -AMOUNT], 1))
    exported("multi-output", multioutput.MultiOutputRegressor(l.Ridge()), np.stack([AMOUNT, -AMOUNT], 1))
    for name, model in [
        ("kmeans", cluster.KMeans(4, n_init=1, random_state=SEED)),
        ("mini-kmeans", cluster.MiniBatchKMeans(4, n_init=1, random_state=SEED)),
        ("pca", make_pipeline(StandardScaler(), decomposition.PCA(3))),
        ("svd", decomposition.TruncatedSVD(3, random_state=SEED)),
        ("mixture", mixture.GaussianMixture(3, random_state=SEED)),
        ("outlier-factor", neighbors.LocalOutlierFactor(novelty=True)),
        ("one-class", svm.OneClassSVM()),
        ("scaler", MinMaxScaler()),
    ]:
        exported(name, model)
    # Its converter asks for the older operators by name.
    isolation = ensemble.IsolationForest(n_estimators=100, random_state=SEED).fit(X)
    case("isolation-forest", skl2onnx.to_onnx(isolation, X[:1], target_opset={"": 18, "ai.onnx.ml": 3}), DATA, {"X": X})
    double = VALUES.copy()
    exported("double", make_pipeline(StandardScaler(), l.LinearRegression()), AMOUNT, double)


def tables():
    """A pipeline over a table of its own, a long text, images of digits, and a large forest."""
    people = pd.DataFrame({"age": RNG.integers(18, 90, ROWS).astype(float), "income": np.exp(RNG.normal(10, 1, ROWS))})
    people = people.mask(RNG.random(people.shape) < 0.15)
    people["city"] = RNG.choice(["Berlin", "Lyon", "Rome"], ROWS)
    people["plan"] = RNG.choice(["free", "pro"], ROWS)
    small = people.astype({"age": "float32", "income": "float32"})
    numbers = make_pipeline(SimpleImputer(strategy="median"), StandardScaler())
    for name, coded, last, target in [
        ("people", OneHotEncoder(handle_unknown="ignore"), linear_model.LogisticRegression(), CITY),
        ("people-trees", OrdinalEncoder(), ensemble.GradientBoostingClassifier(n_estimators=10, random_state=SEED), YES),
        ("people-amount", OneHotEncoder(), ensemble.RandomForestRegressor(20, random_state=SEED), AMOUNT),
    ]:
        columns = ColumnTransformer([("n", numbers, ["age", "income"]), ("c", coded, ["city", "plan"])])

        def make():
            model = make_pipeline(columns, last).fit(small, target)
            feeds = {column: small[[column]].to_numpy() for column in small}
            case(name, skl2onnx.to_onnx(model, small[:1]), people.assign(customer_id=DATA.customer_id), feeds)

        attempt(name, make)

    words = [" ".join(RNG.choice(["good", "bad", "odd", "shop", "slow", "quick", "Über", "naïve"], RNG.integers(3, 12))) for _ in range(ROWS)]
    reviews = pd.DataFrame({"review_id": [f"r{i}" for i in range(ROWS)], "review": words})
    for name, vectorizer in [("tfidf", TfidfVectorizer(lowercase=False, ngram_range=(1, 2))), ("counted-words", CountVectorizer(lowercase=False))]:

        def make():
            pipe = make_pipeline(vectorizer, linear_model.LogisticRegression()).fit(words, ["good" if "good" in w else "other" for w in words])
            made = skl2onnx.to_onnx(pipe, initial_types=[("review", StringTensorType([None, 1]))])
            case(name, made, reviews, {"review": np.array(words, dtype=object).reshape(-1, 1)}, key="review_id")

        attempt(name, make)

    digits = load_digits()
    pixels = digits.data.astype(np.float32)
    mlp = neural_network.MLPClassifier((64,), max_iter=30, random_state=SEED).fit(pixels, digits.target)
    shown = pd.DataFrame({"image_id": np.arange(len(pixels)), "pixels": [row.tolist() for row in pixels]})
    case("digits", skl2onnx.to_onnx(mlp, pixels[:1]), shown, {"X": pixels}, key="image_id")

    many = RNG.normal(size=(4000, WIDTH)).astype(np.float32)
    noisy = (many[:, 0] + many[:, 1] * many[:, 2] + RNG.normal(size=4000) > 0).astype(np.int64)
    forest = ensemble.RandomForestClassifier(500, random_state=SEED, n_jobs=2).fit(many, noisy)
    case("forest-500-deep", skl2onnx.to_onnx(forest, many[:1]), numbered(many), {"X": many})


def boosted():
    shape = [("input", FloatTensorType([None, WIDTH]))]
    for name, lgb, xgb, cat, target in [
        ("two", lightgbm.LGBMClassifier, xgboost.XGBClassifier, catboost.CatBoostClassifier, YES),
        ("four", lightgbm.LGBMClassifier, xgboost.XGBClassifier, catboost.CatBoostClassifier, LEVEL),
        ("texts", lightgbm.LGBMClassifier, None, catboost.CatBoostClassifier, CITY),
        ("amount", lightgbm.LGBMRegressor, xgboost.XGBRegressor, catboost.CatBoostRegressor, AMOUNT),
    ]:

        def light():
            model = lgb(n_estimators=20, verbose=-1, num_threads=2).fit(X, target)
            case(f"lightgbm-{name}", onnxmltools.convert_lightgbm(model, initial_types=shape), DATA, {"input": X})

        def extreme():
            model = xgb(n_estimators=20, n_jobs=2).fit(X, target)
            case(f"xgboost-{name}", onnxmltools.convert_xgboost(model, initial_types=shape), DATA, {"input": X})

        def cats():
            model = cat(iterations=20, verbose=0, allow_writing_files=False, thread_count=2).fit(X, target)
            case(f"catboost-{name}", lambda path: model.save_model(str(path), format="onnx"), DATA, {"features": X})

        attempt(f"lightgbm-{name}", light)
        if xgb is not None:
            attempt(f"xgboost-{name}", extreme)
        attempt(f"catboost-{name}", cats)


def make_all():
    classifiers()
    regressors()
    tables()
    boosted()
