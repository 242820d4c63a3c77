/** A rank that calls every collective, and ends with a sentence on stderr where one gave something wrong. */
import assert from 'node:assert/strict';
import { mpiGroup } from '../mpi/connect.js';

const group = await mpiGroup();
assert.ok(group, 'started by no launcher');
const { rank, size } = group;
const bytes = ({ buffer }: Float64Array): Uint8Array => new Uint8Array(buffer);

// Small ones wait and send at once; large ones do one after the other.
for (const length of [1, 30_000]) {
  const gathered = new Float64Array(size * length).fill(NaN);
  gathered.fill(rank + 0.5, rank * length, (rank + 1) * length);
  await group.allGather(bytes(gathered));
  gathered.forEach((value, i) => {
    assert.equal(value, Math.floor(i / length) + 0.5);
  });

  // From r to s goes 100 r + s; from rank 1 nothing.
  const sent = Float64Array.from({ length: size * length }, (_, i) => 100 * rank + Math.floor(i / length));
  const received = new Float64Array(size * length).fill(-1);
  const senders = Array.from({ length: size }, (_, sender) => sender !== 1);
  await group.allToAll(bytes(sent), bytes(received), senders);
  received.forEach((value, i) => {
    const sender = Math.floor(i / length);
    assert.equal(value, sender === 1 ? -1 : 100 * sender + rank);
  });

  const shared = new Float64Array(length).fill(rank === 0 ? Math.PI : NaN);
  await group.broadcast(bytes(shared));
  assert.ok(shared.every((value) => value === Math.PI));
}
const { waiting, communication } = group.takeTimes();
assert.ok(waiting > 0 && communication > 0);
assert.deepEqual(group.takeTimes(), { waiting: 0, communication: 0 });
await group.close();
if (rank === 0) console.log(`all ${size} are well`);
