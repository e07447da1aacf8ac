/**
 * Disks that fail: one of a few megabytes that can be full or read-only (a tmpfs), and files that can
 * be written no more while somebody has them open (the immutable attribute). Both are root's to make,
 * and not on every file system; where they cannot be had, the tests that need them are not there.
 */

export class SmallDisk implements AsyncDisposable {
  readonly folder: string;

  private constructor(folder: string) {
    this.folder = folder;
  }

  static async mount(bytes: number): Promise<SmallDisk> {
    const folder = await Deno.makeTempDir({ prefix: "weir_disk_" });
    await run("mount", "-t", "tmpfs", "-o", `size=${bytes}`, "tmpfs", folder);
    return new SmallDisk(folder);
  }

  /** Takes so many bytes of it away, until `makeRoom`. */
  async take(bytes: number): Promise<void> {
    await Deno.writeFile(`${this.folder}/filler`, new Uint8Array(bytes));
  }

  async makeRoom(): Promise<void> {
    await Deno.remove(`${this.folder}/filler`);
  }

  /** Read-only or not; only while nobody has a file of it open to write. */
  async remount(how: "ro" | "rw"): Promise<void> {
    await run("mount", "-o", `remount,${how}`, this.folder);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await run("umount", "--lazy", this.folder);
    await Deno.remove(this.folder);
  }
}

/** Lets nobody write to these files, whoever has them open; or lets them again. */
export async function setImmutable(paths: readonly string[], immutable: boolean): Promise<void> {
  await run("chattr", immutable ? "+i" : "-i", ...paths);
}

/** A test that needs a small disk. */
export function smallDiskTest(name: string, test: () => Promise<void>): void {
  if (hasSmallDisks) Deno.test(name, test);
}

/** A test that needs files which become immutable. */
export function immutableTest(name: string, test: () => Promise<void>): void {
  if (hasImmutable) Deno.test(name, test);
}

const isRoot = Deno.build.os === "linux" && Deno.uid() === 0;
const hasSmallDisks = isRoot && await works(async () => {
  await using _ = await SmallDisk.mount(65_536);
});
const hasImmutable = isRoot && await works(async () => {
  const path = await Deno.makeTempFile({ prefix: "weir_disk_" });
  try {
    using file = await Deno.open(path, { write: true });
    await setImmutable([path], true);
    const isWritten = await works(() => file.write(Uint8Array.of(1)));
    await setImmutable([path], false);
    if (isWritten) throw new Error("This file system lets those write who have it open");
  } finally {
    await Deno.remove(path);
  }
});

async function works(attempt: () => Promise<unknown>): Promise<boolean> {
  try {
    await attempt();
    return true;
  } catch {
    return false;
  }
}

async function run(program: string, ...args: string[]): Promise<void> {
  const { success, stderr } = await new Deno.Command(program, { args }).output();
  if (!success) throw new Error(`${program}: ${new TextDecoder().decode(stderr).trim()}`);
}
