/** What all of it runs on: the processor, how many cores it has, and how many of them are at work. */

export interface Machine {
  readonly model: string;
  readonly cores: number;
}

/** A process that is kept on one core is told that there is one: so the kernel is asked. */
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

/** Seconds that all cores together have been at work so far, for whomever. */
export function busySeconds(): number {
  const [, user, nice, system, , , irq, softIrq] = Deno.readTextFileSync("/proc/stat")
    .split("\n", 1)[0]?.split(/\s+/).map(Number) ?? [];
  const ticks = [user, nice, system, irq, softIrq].reduce<number>((sum, n) => sum + (n ?? 0), 0);
  return ticks / CLOCK_TICKS;
}
