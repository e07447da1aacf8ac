/** What V8's inspector tells of a process that was started with `--inspect`, from outside. */

/** Bytes that are in use, garbage among them: to collect it would show in a profile. */
export interface Heap {
  readonly used: number;
  /** What is outside of V8's heap but belongs to something in it: buffers, above all. */
  readonly external: number;
}

export async function heapOf(port: number): Promise<Heap> {
  const targets = await (await fetch(`http://127.0.0.1:${port}/json/list`)).json();
  const socket = new WebSocket(targets[0].webSocketDebuggerUrl);
  await new Promise((resolve, reject) => {
    socket.onopen = resolve;
    socket.onerror = () => reject(new Error("The inspector does not answer"));
  });
  try {
    const { usedSize, backingStorageSize } = await call(socket, "Runtime.getHeapUsage");
    return { used: usedSize ?? NaN, external: backingStorageSize ?? NaN };
  } finally {
    socket.close();
  }
}

interface HeapUsage {
  readonly usedSize?: number;
  readonly backingStorageSize?: number;
}

function call(socket: WebSocket, method: string): Promise<HeapUsage> {
  return new Promise((resolve, reject) => {
    socket.onclose = () => reject(new Error(`The process ended before it answered ${method}`));
    socket.onmessage = ({ data }) => resolve(JSON.parse(data).result);
    socket.send(JSON.stringify({ id: 1, method }));
  });
}
