/** A child process that ends when this one does. */

export interface Child {
  readonly process: Deno.ChildProcess;
  /** Sends the signal, unless the process has ended, and resolves when it has. */
  end(signal: Deno.Signal): Promise<void>;
}

export function spawnChild(program: string, options: Deno.CommandOptions): Child {
  const process = new Deno.Command(program, options).spawn();
  const abandon = () => process.kill("SIGKILL");
  globalThis.addEventListener("unload", abandon);
  return {
    process,
    async end(signal) {
      try {
        process.kill(signal);
      } catch {
        // It has ended already.
      }
      await process.status;
      globalThis.removeEventListener("unload", abandon);
    },
  };
}
