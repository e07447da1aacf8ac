/**
 * The archive: uploads fixes in bulk to a database that is slower than the drivers. The database
 * stores up to which offset a partition is uploaded, and changes it in one transaction with the
 * rows. So an archive that dies and restarts repeats nothing, whatever the group had committed.
 */

import { DatabaseSync } from "node:sqlite";
import type { RecordBatch } from "../client/mod.ts";
import type { Fix } from "./fixes.ts";
import type { Member, Task, Work } from "./member.ts";
import { pause } from "./pause.ts";

/** Rows per upload while the database is slow: at least so many, and so many seconds' worth. */
const UPLOAD_ROWS = 50;
const UPLOAD_S = 0.1;
const LOOK_MS = 20;

export class Archive implements Work {
  readonly group = "archive";
  readonly title = "Archive";
  /** Small, so that a partition that is revoked is given up soon. */
  readonly capacity = 500;
  readonly topics: readonly string[];
  readonly #database: DatabaseSync;
  /** Rows that the database takes per second; undefined: as many as come. */
  rowsPerSecond: number | undefined;
  /** The database accepts nothing. */
  paused = false;
  /** Rows uploaded. */
  rows = 0;
  #freeAtMs = 0;

  constructor(fixes: string, path: string) {
    this.topics = [fixes];
    this.#database = new DatabaseSync(path);
    this.#database.exec(`
      CREATE TABLE IF NOT EXISTS fixes (
        partition INTEGER, offset INTEGER, driver TEXT, number INTEGER, time INTEGER,
        lat REAL, lon REAL, occupied INTEGER, PRIMARY KEY (partition, offset)
      ) WITHOUT ROWID;
      CREATE TABLE IF NOT EXISTS uploaded (partition INTEGER PRIMARY KEY, next INTEGER NOT NULL);
    `);
  }

  begin(member: Member): Task {
    return { process: (batch) => this.#process(member, batch) };
  }

  /** Rows, and how many different fixes they are. */
  count(): { rows: number; distinct: number } {
    const row = this.#database
      .prepare("SELECT count(*) AS n, count(DISTINCT number) AS d FROM fixes").get();
    return { rows: Number(row?.["n"]), distinct: Number(row?.["d"]) };
  }

  close(): void {
    this.#database.close();
  }

  async #process(member: Member, { topic, partition, records, next }: RecordBatch): Promise<void> {
    const size = Math.max(UPLOAD_ROWS, Math.ceil(UPLOAD_S * (this.rowsPerSecond ?? Infinity)));
    for (let at = 0; at < records.length; at += size) {
      const upload = records.slice(at, at + size);
      await this.#pace(upload.length);
      if (!member.alive) return;
      const offset = records[at + size]?.offset ?? next;
      const begun = this.#next(partition);
      this.#upload(partition, upload.filter((record) => record.offset >= begun), offset);
      await member.consumer.commit([{ topic, partition, offset }]);
    }
  }

  #upload(partition: number, records: RecordBatch["records"], next: number): void {
    if (records.length === 0) return;
    this.#database.exec("BEGIN");
    const insert = this.#database.prepare("INSERT INTO fixes VALUES (?, ?, ?, ?, ?, ?, ?, ?)");
    for (const { offset, key, value } of records) {
      const { number, time, lat, lon, occupied } = value as unknown as Fix;
      insert.run(partition, offset, key ?? null, number, time, lat, lon, occupied ? 1 : 0);
    }
    this.#database.prepare("INSERT OR REPLACE INTO uploaded VALUES (?, ?)").run(partition, next);
    this.#database.exec("COMMIT");
    this.rows += records.length;
  }

  #next(partition: number): number {
    const row = this.#database.prepare("SELECT next FROM uploaded WHERE partition = ?")
      .get(partition);
    return Number(row?.["next"] ?? 0);
  }

  /** Waits until the database has taken the previous rows. */
  async #pace(rows: number): Promise<void> {
    const { rowsPerSecond = Infinity } = this;
    this.#freeAtMs = Math.max(performance.now(), this.#freeAtMs) + rows / rowsPerSecond * 1_000;
    while (this.paused || (this.rowsPerSecond && performance.now() < this.#freeAtMs)) {
      const leftMs = this.paused ? LOOK_MS : Math.max(1, this.#freeAtMs - performance.now());
      await pause(Math.min(LOOK_MS, leftMs));
    }
  }
}
