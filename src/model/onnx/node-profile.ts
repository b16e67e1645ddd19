/**
 * Execution provider -> nodes that it ran, from the text of a profile that ONNX Runtime wrote: the one way in which the Node
 * binding (1.30) lets be seen where a model runs. A node that ran several times counts once; a profile that was cut short
 * counts as far as it goes.
 */
export function nodesByProvider(profile: string): Readonly<Record<string, number>> {
  const seen = new Map<string, string>();
  for (const line of profile.split('\n')) {
    const event = eventOf(line);
    if (event !== null) seen.set(event.node, event.provider);
  }
  const counts: Record<string, number> = {};
  for (const provider of seen.values()) counts[provider] = (counts[provider] ?? 0) + 1;
  return counts;
}

// One event a line; only those of kernels name a provider.
function eventOf(line: string): { readonly node: string; readonly provider: string } | null {
  if (!line.includes('"provider"') || !line.includes('_kernel_time')) return null;
  try {
    const event = JSON.parse(line.trim().replace(/,$/, '')) as { name?: unknown; args?: Record<string, unknown> };
    const { provider, node_index: index, op_name: operator } = event.args ?? {};
    // The runtime's own copies between devices are no nodes of the model.
    if (typeof provider !== 'string' || /^Memcpy(From|To)Host$/.test(String(operator))) return null;
    // Nodes of a subgraph have numbers of their own.
    return { node: `${String(index)} ${String(event.name)}`, provider };
  } catch {
    return null;
  }
}
