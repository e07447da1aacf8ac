/** The last inputs of one conversation, as whoever repeats a failure wants to read them. */

const KEPT = 4;
const CHARACTERS = 1_000;

export class Trail {
  readonly last: string[] = [];

  text(text: string): void {
    this.#keep(cut(text));
  }

  /** In hex, since they need not be text. */
  bytes(bytes: Uint8Array): void {
    this.#keep(`hex ${cut(bytes.subarray(0, CHARACTERS).toHex())}`);
  }

  #keep(input: string): void {
    this.last.push(input);
    if (this.last.length > KEPT) this.last.shift();
  }
}

function cut(text: string): string {
  return text.length <= CHARACTERS ? text : `${text.slice(0, CHARACTERS)}… of ${text.length}`;
}
