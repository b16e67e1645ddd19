/** What is wrong with a strptime format that needs some directives, each once, and may have others; null when nothing is. */
export function strptimeProblem(format: string, needs: string, may: string): string | null {
  const found = [...format.matchAll(/%(.?)/gsu)].map((match) => match[1] ?? '').filter((letter) => letter !== '%');
  const known = `${needs}${may}`;
  const unknown = found.find((letter) => letter === '' || !known.includes(letter));
  if (unknown !== undefined) return `holds %${unknown}; only ${say(known)} are known`;
  const missing = [...needs].filter((letter) => !found.includes(letter));
  if (missing.length > 0) return `lacks ${say(missing.join(''))}`;
  return new Set(found).size === found.length ? null : 'holds a directive twice';
}

function say(letters: string): string {
  return [...letters].map((letter) => `%${letter}`).join(' ');
}
