/**
 * Failing disks: a small tmpfs that can be full or read-only, and files that become read-only while
 * they are open (the immutable attribute). Both need root, and not every file system supports them;
 * where they are not available, the tests that need them are left out.
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

  /** Uses up so many bytes of it, until `makeRoom`. */
  async take(bytes: number): Promise<void> {
    await Deno.writeFile(`${this.folder}/filler`, new Uint8Array(bytes));
  }

  async makeRoom(): Promise<void> {
    await Deno.remove(`${this.folder}/filler`);
  }

  /** Makes it read-only or writable; only while no file of it is open for writing. */
  async remount(how: "ro" | "rw"): Promise<void> {
    await run("mount", "-o", `remount,${how}`, this.folder);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await run("umount", "--lazy", this.folder);
    await Deno.remove(this.folder);
  }
}

/** Makes these files immutable, even for those who have them open; or undoes it. */
export async function setImmutable(paths: readonly string[], immutable: boolean): Promise<void> {
  await run("chattr", immutable ? "+i" : "-i", ...paths);
}

/** A test that needs a small disk. */
export function smallDiskTest(name: string, test: () => Promise<void>): void {
  if (hasSmallDisks) Deno.test(name, test);
}

/** A test that needs immutable files. */
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
