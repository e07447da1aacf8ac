/** How a peer is configured belongs to its figures: it is printed when it is first started so. */

const shown = new Set<string>();

export function showOnce(configuration: string): void {
  if (shown.has(configuration)) return;
  shown.add(configuration);
  const lines = configuration.trimEnd().replace(/^/gm, "    ");
  Deno.stdout.writeSync(new TextEncoder().encode(`${lines}\n`));
}
