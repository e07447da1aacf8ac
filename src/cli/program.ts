/** How each command ends: with its output, or with one line on why it failed and exit code 1. */

import { StartRefused } from "../config.ts";

export async function runCommand(main: () => string | Promise<string>): Promise<void> {
  try {
    say(Deno.stdout, await main());
  } catch (error) {
    if (!(error instanceof StartRefused)) throw error;
    say(Deno.stderr, error.message);
    Deno.exit(1);
  }
}

function say(to: { writeSync(bytes: Uint8Array): number }, text: string): void {
  to.writeSync(new TextEncoder().encode(`${text}\n`));
}
