/** The machine: the processor, its number of cores, and how busy they are. */

export interface Machine {
  readonly model: string;
  readonly cores: number;
}

/** Asks the kernel, since a process that is pinned to one core is told that there is one. */
export function machine(): Machine {
  let text = "";
  try {
    text = Deno.readTextFileSync("/proc/cpuinfo");
  } catch {
    // Not Linux.
  }
  return {
    model: /^model name\s*:\s*(.+)$/m.exec(text)?.[1] ?? `${Deno.build.os} ${Deno.build.arch}`,
    cores: text.match(/^processor\s*:/gm)?.length ?? navigator.hardwareConcurrency,
  };
}

const CLOCK_TICKS = 100;

/** CPU seconds of all cores so far, for all processes. */
export function busySeconds(): number {
  const [, user, nice, system, , , irq, softIrq] = Deno.readTextFileSync("/proc/stat")
    .split("\n", 1)[0]?.split(/\s+/).map(Number) ?? [];
  const ticks = [user, nice, system, irq, softIrq].reduce<number>((sum, n) => sum + (n ?? 0), 0);
  return ticks / CLOCK_TICKS;
}
