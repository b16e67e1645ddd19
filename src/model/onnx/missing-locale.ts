import { PrescoreError } from '../../base/errors/prescore-error.ts';

/** Such as en_US.UTF-8: nothing else is put into a line that people will run. */
const NAME = /^(?<language>[a-z]{2,3})_[A-Z]{2}(\.(UTF-8|utf8))?$/;

/**
 * ONNX Runtime makes the C++ locale of StringNormalizer by its name, `en_US.UTF-8` unless the model has another, whatever LANG says, and
 * when the session is opened. So a model that is fine fails where that locale is not installed, as in slim images. C.UTF-8 does
 * not help: it has another name, although its rules are the same.
 *
 * Null when the runtime says something else.
 */
export function missingLocale(text: string, where: string, cause: unknown): PrescoreError | null {
  const name = /Failed to construct locale with name: ?(.*?):/.exec(text)?.[1];
  if (name === undefined) return null;
  return new PrescoreError('MODEL_LOCALE', {
    what: `the model normalizes texts in the locale ${name}, which this machine does not have`,
    where,
    fix: installation(name),
    cause,
  });
}

function installation(name: string): string {
  const language = NAME.exec(name)?.groups?.['language'];
  if (language === undefined) return 'Install that locale, or export the model with the locale en_US.UTF-8.';
  const [base] = name.split('.');
  return (
    `As root, on Debian or Ubuntu: apt-get install -y locales && localedef -i ${base} -f UTF-8 ${name}; ` +
    `on Fedora or Red Hat: dnf install -y glibc-langpack-${language}. A way without root: prescore help models.`
  );
}
