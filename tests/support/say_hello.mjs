/**
 * Says hello to the gateway at the URL in the first argument and prints the reply: the least that a
 * runtime must be able to do, with nothing but what it has in common with browsers.
 */

const socket = new WebSocket(globalThis.process.argv[2], "weir.v1");
socket.onopen = () => socket.send(JSON.stringify({ type: "hello", id: 1 }));
socket.onmessage = ({ data }) => {
  globalThis.process.stdout.write(`${socket.protocol} ${data}\n`);
  socket.close();
};
socket.onerror = () => {
  globalThis.process.exitCode = 1;
};
