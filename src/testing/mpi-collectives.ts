/**
 * A rank that calls every collective, and ends with a sentence on stderr where one gave something wrong. An argument is the
 * number of bytes that are sent; else there are few, many, and more than travel at a time.
 */
import assert from 'node:assert/strict';
import { mpiGroup } from '../mpi/connect.js';

const group = await mpiGroup();
assert.ok(group, 'started by no launcher');
const { rank, size } = group;
const bytes = ({ buffer }: Float64Array): Uint8Array => new Uint8Array(buffer);

function assertEach(found: Float64Array, expected: (i: number) => number, what: string): void {
  const wrong = found.findIndex((value, i) => value !== expected(i));
  assert.equal(wrong, -1, `${what}: ${found[wrong]} at ${wrong} of ${found.length}`);
}

const [given] = process.argv.slice(2).map(Number);
for (const length of given ? [Math.ceil(given / 8 / size)] : [1, 30_000, Math.ceil(2_200_000 / size)]) {
  const all = size * length;
  const [pieceOf, within] = [(i: number) => Math.floor(i / length), (i: number) => (i % length) / 2 ** 22];
  const gathered = new Float64Array(all).fill(NaN);
  for (let i = 0; i < length; i++) gathered[rank * length + i] = rank + within(i);
  await group.allGather(bytes(gathered));
  assertEach(gathered, (i) => pieceOf(i) + within(i), 'gathered');

  // From r to s goes 100 r + s; from rank 1 nothing.
  const sent = Float64Array.from({ length: all }, (_, i) => 100 * rank + pieceOf(i) + within(i));
  const received = new Float64Array(all).fill(-1);
  const senders = Array.from({ length: size }, (_, sender) => sender !== 1);
  await group.allToAll(bytes(sent), bytes(received), senders);
  assertEach(received, (i) => (pieceOf(i) === 1 ? -1 : 100 * pieceOf(i) + rank + within(i)), 'received');

  const shared = Float64Array.from({ length: all }, (_, i) => (rank === 0 ? i : NaN));
  await group.broadcast(bytes(shared));
  assertEach(shared, (i) => i, 'shared');
}
const { waiting, communication } = group.takeTimes();
assert.ok(waiting > 0 && communication > 0);
assert.deepEqual(group.takeTimes(), { waiting: 0, communication: 0 });
await group.close();
if (rank === 0) console.log(`all ${size} are well`);
