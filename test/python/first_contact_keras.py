"""The same for Keras and TensorFlow: first_contact_keras.py OUT. Pins: trainers-requirements.txt."""

import os
import sys
from pathlib import Path

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"

import keras
import tensorflow as tf

OUT = Path(sys.argv[1]) / "foreign"
OUT.mkdir(parents=True, exist_ok=True)
model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(2, activation="relu"), keras.layers.Dense(1)])
model.save(OUT / "model.keras")
model.save(OUT / "model.h5")
model.export(OUT / "saved_model", verbose=False)
converter = tf.lite.TFLiteConverter.from_saved_model(str(OUT / "saved_model"))
(OUT / "model.tflite").write_bytes(converter.convert())
