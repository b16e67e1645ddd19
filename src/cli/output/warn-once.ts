/** Says each warning once on stderr; `before` clears a progress line that may stand there. */
export function warnOnce(before: () => void = () => undefined): (text: string) => void {
  const said = new Set<string>();
  return (text) => {
    before();
    if (!said.has(text)) process.stderr.write(`warning: ${text}\n`);
    said.add(text);
  };
}
