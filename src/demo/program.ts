/** How the programs here end. */

import { print } from "./print.ts";

/** Runs it, and exits with its code; an error is printed in one line, and the code is 1. */
export async function runProgram(main: () => Promise<number>): Promise<never> {
  try {
    Deno.exit(await main());
  } catch (error) {
    print(error instanceof Error ? error.message : String(error));
    Deno.exit(1);
  }
}
