/** Prints a peer's configuration when it is first used, since it belongs to the figures. */

const shown = new Set<string>();

export function showOnce(configuration: string): void {
  if (shown.has(configuration)) return;
  shown.add(configuration);
  const lines = configuration.trimEnd().replace(/^/gm, "    ");
  Deno.stdout.writeSync(new TextEncoder().encode(`${lines}\n`));
}
