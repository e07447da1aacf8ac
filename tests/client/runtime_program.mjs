/**
 * An application of the client that uses only what all runtimes have. `runtimes_test.ts` runs it, and
 * it prints what it saw as one line of JSON. Nothing here ends the process: that it ends shows that
 * the client leaves nothing running.
 *
 * Arguments: what to do, the client's module, the gateway's origin, and the URL of the test, which
 * stops and restarts the gateway on request.
 */

const [, , what, module, origin, control] = globalThis.process.argv;
const { connect, WeirError } = await import(module);

/** The values of the first `count` records; then the loop ends, and closes its reader. */
async function take(reader, count) {
  const values = [];
  for await (const { value } of reader) {
    values.push(value);
    if (values.length === count) return values;
  }
}

/** The members of an error that a program uses. */
function told(error) {
  if (!(error instanceof WeirError) || !(error instanceof Error)) return `foreign: ${error}`;
  const { name, code, retry, effect } = error;
  return { name, code, retry, effect };
}

async function use() {
  const weir = connect(origin, { client: { name: "runtime-program", version: "1.0.0" } });
  const saw = {};

  saw.published = await weir.publish("cabs", [{ key: "a", value: 0 }, { key: "a", value: 1 }]);
  const producer = weir.producer();
  saw.produced = await Promise.all(
    [2, 3, 4].map((value) => producer.publish("cabs", { key: "a", value })),
  );
  saw.followed = await take(weir.subscribe("cabs", { from: "earliest" }), 5);

  const subscription = weir.subscribe("cabs", { from: "earliest" });
  await subscription.ready;
  await subscription.seek([{ partition: 0, offset: 3 }]);
  saw.sought = await take(subscription, 2);

  const tally = () => weir.consume("cabs", { group: "tally", autoCommitMs: false });
  const first = tally();
  saw.consumed = [];
  for await (const { topic, partition, offset, value } of first) {
    saw.consumed.push(value);
    if (value === 1) await first.commit();
    if (value !== 2) continue;
    const offsets = [{ topic, partition, offset: offset + 1 }];
    const sum = { topic: "sums", records: { key: "a", value: 0 + 1 + 2 } };
    saw.transacted = await weir.transact([sum], { commit: { consumer: first, offsets }, producer });
    break;
  }
  // Committed by the transaction: the next member continues after it.
  saw.consumedNext = await take(tally(), 2);
  saw.sums = await take(weir.subscribe("sums", { from: "earliest" }), 1);

  const bytes = { value: new Uint8Array([0, 127, 128, 255]), headers: { kind: "bytes" } };
  await producer.publish("raw", bytes);
  for await (const { value, headers } of weir.subscribe("raw", { from: "earliest" })) {
    saw.bytes = [value instanceof Uint8Array, [...value], headers];
    break;
  }

  saw.refused = told(await weir.publish("no such name", { value: 1 }).catch((error) => error));
  const signal = AbortSignal.abort(new Error("not now"));
  saw.aborted = await weir.publish("cabs", { value: 1 }, { signal }).catch(({ message }) =>
    message
  );
  await weir[Symbol.asyncDispose]();
  saw.closed = told(await weir.publish("cabs", { value: 1 }).catch((error) => error));
  return saw;
}

async function reconnect() {
  const weir = connect(origin);
  const statuses = [];
  const failed = new Promise((resolve) => {
    weir.onState(({ status, reason }) => {
      statuses.push(status);
      // The first wait follows the loss of a connection, the second a failure to connect.
      if (statuses.filter((one) => one === "waiting").length === 2) resolve(reason);
    });
  });
  const producer = weir.producer();
  const publish = (value) => producer.publish("cabs", { key: "a", value });
  const subscription = weir.subscribe("cabs", { from: "earliest" });
  const reading = take(subscription, 6);
  const consumed = take(weir.consume("cabs", { group: "tally", from: "earliest" }), 6);
  await Promise.all([0, 1, 2].map(publish));
  await fetch(`${control}/kill`);
  const late = [3, 4, 5].map(publish);
  const reason = await failed;
  await fetch(`${control}/start`);
  const places = (await Promise.all(late)).map(({ places }) => places[0]);
  const saw = { reason, places, read: await reading, consumed: await consumed };
  const first = statuses.slice(0, 4);
  const last = statuses.at(-1);
  await weir.close();
  return { ...saw, statuses: [...first, last, statuses.at(-1)] };
}

const saw = await { use, reconnect }[what]();
globalThis.process.stdout.write(`${JSON.stringify(saw)}\n`);
