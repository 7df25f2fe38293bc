import { connect, createServer } from 'node:net';

/** A collective that simulates two ranks with equal sums. */
export const doubling = () => ({
  rank: 0,
  size: 2,
  allReduce(buffers) {
    for (const buffer of buffers) for (let i = 0; i < buffer.length; i++) buffer[i] *= 2;
  },
  broadcast() {},
});

/**
 * A server of all-reduces on this machine: adds the clients' buffers in the order of ranks, and answers all clients.
 */
export async function openHub(size) {
  const server = createServer();
  let waiting = [];
  server.on('connection', (socket) => {
    let bytes = Buffer.alloc(0);
    socket.on('error', () => {});
    socket.on('data', (part) => {
      bytes = Buffer.concat([bytes, part]);
      if (bytes.length < 8 || bytes.length < 8 + 8 * bytes.readUInt32LE(4)) return;
      const [rank, length] = [bytes.readUInt32LE(0), bytes.readUInt32LE(4)];
      const values = new Float64Array(new Uint8Array(bytes.subarray(8, 8 + 8 * length)).buffer);
      bytes = bytes.subarray(8 + 8 * length);
      waiting.push({ rank, socket, values });
      if (waiting.length < size) return;
      const all = waiting.sort((a, b) => a.rank - b.rank);
      waiting = [];
      const sum = all[0].values.map((_, i) => all.reduce((total, each) => total + each.values[i], 0));
      for (const each of all) each.socket.write(new Uint8Array(sum.buffer));
    });
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  return { port: server.address().port, close: () => server.close() };
}

/** A rank that sums through a hub, in double precision. */
export async function joinHub({ rank, size, port }) {
  const socket = connect(port, '127.0.0.1');
  await new Promise((resolve, reject) => socket.once('connect', resolve).once('error', reject));
  const receive = (count) =>
    new Promise((resolve, reject) => {
      let bytes = Buffer.alloc(0);
      const take = (part) => {
        bytes = Buffer.concat([bytes, part]);
        if (bytes.length < count) return;
        socket.off('data', take).off('close', ended);
        resolve(new Float64Array(new Uint8Array(bytes).buffer));
      };
      const ended = () => reject(new Error('another rank has left'));
      socket.on('data', take).once('close', ended);
    });
  const collective = {
    rank,
    size,
    async allReduce(buffers) {
      const values = Float64Array.from(buffers.flatMap((buffer) => Array.from(buffer)));
      const head = Buffer.alloc(8);
      head.writeUInt32LE(rank, 0);
      head.writeUInt32LE(values.length, 4);
      socket.write(Buffer.concat([head, new Uint8Array(values.buffer)]));
      const sums = await receive(8 * values.length);
      let at = 0;
      for (const buffer of buffers) {
        buffer.set(sums.subarray(at, at + buffer.length));
        at += buffer.length;
      }
    },
    // The sum of rank 0's bytes and zeros.
    async broadcast(bytes) {
      const sums = Float64Array.from(rank === 0 ? bytes : new Uint8Array(bytes.length));
      await collective.allReduce([sums]);
      bytes.set(sums);
    },
    close: () => socket.end(),
  };
  return collective;
}

export const speechless = () => ({ rank: 0, size: 2, allReduce() {} });
export const wrongRank = () => ({ rank: 2, size: 2, allReduce() {}, broadcast() {} });
