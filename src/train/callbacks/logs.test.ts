import assert from 'node:assert/strict';
import { appendFileSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { shapes } from '../../data/shapes.js';
import { splitValidation } from '../../data/split-validation.js';
import { mlp } from '../../models/mlp.js';
import { resnet18 } from '../../models/resnet.js';
import { classAccuracy, topAccuracy } from '../../nn/metrics.js';
import { sgd } from '../../optim/sgd.js';
import { OutputError } from '../../data/atomic-write.js';
import type { TrainingEvent } from '../events.js';
import type { Callback } from '../options.js';
import { Trainer } from '../trainer.js';
import { csvLog } from './csv-log.js';
import { jsonLines } from './json-lines.js';
import { graphDef } from './graph-def.js';
import { tensorBoard } from './tensor-board.js';

const folder = mkdtempSync(join(tmpdir(), 'tract-logs-'));
after(() => {
  rmSync(folder, { recursive: true });
});

/** Four steps an epoch. */
const dataset = splitValidation(shapes({ train: 80, test: 20 }), { share: 0.2, seed: 0 });

/** The events of a run of two epochs with two metrics. */
async function recorded(): Promise<TrainingEvent[]> {
  const trainer = await Trainer.create(mlp({ width: 8, depth: 1 }), {
    optimizer: sgd({ learningRate: 0.125 }),
    batchSize: 16,
    threads: 1,
    metrics: [topAccuracy(2), classAccuracy],
  });
  const events: TrainingEvent[] = [];
  await trainer.fit(dataset, { epochs: 2, evaluateEvery: 3, onEvent: (event) => void events.push(event) });
  await trainer.release();
  return events;
}
const events = await recorded();

async function tell(callback: Callback, told: readonly TrainingEvent[]): Promise<void> {
  await callback.begin?.();
  for (const event of told) await callback(event);
  await callback.end?.({ interrupted: false });
}

/** The run stops at every event, loses the last few, and goes on before those. */
async function interrupted(callback: () => Callback, check: (at: number) => void): Promise<void> {
  for (let at = 1; at < events.length; at++) {
    await tell(callback(), events.slice(0, at));
    await tell(callback(), events.slice(Math.max(0, at - 3)));
    check(at);
  }
}

describe('jsonLines', () => {
  const file = join(folder, 'events.jsonl');
  const parsed = (): unknown[] =>
    readFileSync(file, 'utf8')
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as unknown);
  // As JSON has them: a class without images has no accuracy.
  const expected = JSON.parse(JSON.stringify(events)) as unknown;

  it('has a line for every event, once, wherever the run was taken up again', async () => {
    await interrupted(
      () => jsonLines(file),
      (at) => {
        assert.deepEqual(parsed(), expected, `interrupted after ${at} events`);
      },
    );
  });

  it('begins anew for a run from the beginning, and drops half a line', async () => {
    appendFileSync(file, '{"event":"st');
    await tell(jsonLines(file), events.slice(0, 2));
    assert.equal(parsed().length, 2);
  });

  it("leaves somebody else's file alone", async () => {
    const other = join(folder, 'notes.txt');
    writeFileSync(other, 'dear diary\n');
    await assert.rejects(tell(jsonLines(other), events), OutputError);
    assert.equal(readFileSync(other, 'utf8'), 'dear diary\n');
  });

  it('says where it cannot write', async () => {
    await assert.rejects(
      tell(jsonLines(join(folder, 'no', 'such')), events),
      /such cannot be written: a folder/,
    );
  });
});

describe('csvLog', () => {
  const file = join(folder, 'epochs.csv');
  const classes = dataset.classNames.map((_, i) => `classAccuracy.${i}`).join(',');
  const header = `epoch,step,learning_rate,train_loss,train_accuracy,validation_loss,validation_accuracy,top2,${classes},seconds`;

  it('has a row for every epoch, once, wherever the run was taken up again', async () => {
    await interrupted(
      () => csvLog(file),
      (at) => {
        const [first, ...rows] = readFileSync(file, 'utf8').trim().split('\n');
        assert.equal(first, header);
        assert.deepEqual(
          rows.map((row) => row.split(',').slice(0, 2).join()),
          ['1,4', '2,8'],
          `interrupted after ${at} events`,
        );
      },
    );
  });

  it('has the figures of the events', async () => {
    await tell(csvLog(file), events);
    const rows = readFileSync(file, 'utf8').trim().split('\n').slice(1);
    const epochs = events.filter((event) => event.event === 'epoch');
    for (const [i, event] of epochs.entries()) {
      const { trainLoss, validationAccuracy, seconds } = event;
      const cells = rows[i].split(',');
      assert.equal(cells.length, header.split(',').length);
      assert.equal(Number(cells[2]), 0.125);
      assert.equal(Number(cells[3]), trainLoss);
      assert.equal(Number(cells[6]), validationAccuracy);
      assert.equal(Number(cells.at(-1)), seconds);
    }
  });

  it('refuses to mix tables', async () => {
    const before = readFileSync(file, 'utf8');
    const others = events.slice(7).map((event) => ({ ...event, metrics: { top3: 1 } }));
    await assert.rejects(tell(csvLog(file), others), /has the columns epoch,.*choose another file/);
    assert.equal(readFileSync(file, 'utf8'), before);
    const notes = join(folder, 'table.csv');
    writeFileSync(notes, 'a,b\n1,2\n');
    await assert.rejects(tell(csvLog(notes), events), OutputError);
  });
});

/** What an event file holds, read without the code that wrote it. */
interface Logged {
  readonly step: number;
  readonly version?: string;
  readonly session?: number;
  readonly scalars?: Readonly<Record<string, number>>;
}

/** The fields of a protobuf message by their numbers. */
function fields(bytes: Buffer): Map<number, (number | Buffer)[]> {
  const result = new Map<number, (number | Buffer)[]>();
  let at = 0;
  const varint = (): number => {
    for (let value = 0, factor = 1; ; factor *= 128) {
      const byte = bytes[at++];
      value += (byte & 127) * factor;
      if (byte < 128) return value;
    }
  };
  while (at < bytes.length) {
    const tag = varint();
    let value: number | Buffer;
    if (tag % 8 === 0) value = varint();
    else if (tag % 8 === 1) value = bytes.readDoubleLE((at += 8) - 8);
    else if (tag % 8 === 5) value = bytes.readFloatLE((at += 4) - 4);
    else {
      const length = varint();
      value = bytes.subarray(at, (at += length));
    }
    const number = Math.floor(tag / 8);
    result.set(number, [...(result.get(number) ?? []), value]);
  }
  assert.equal(at, bytes.length);
  return result;
}

/** CRC-32C bit by bit, with TFRecord's mask. */
function checksum(bytes: Buffer): number {
  let crc = 0xffffffffn;
  for (const byte of bytes) {
    crc ^= BigInt(byte);
    for (let bit = 0; bit < 8; bit++) crc = crc & 1n ? (crc >> 1n) ^ 0x82f63b78n : crc >> 1n;
  }
  crc ^= 0xffffffffn;
  return Number((((crc >> 15n) | (crc << 17n)) + 0xa282ead8n) & 0xffffffffn);
}

function readEvents(file: string): Logged[] {
  const bytes = readFileSync(file);
  const result: Logged[] = [];
  for (let at = 0; at < bytes.length;) {
    const length = Number(bytes.readBigUInt64LE(at));
    assert.equal(bytes.readUInt32LE(at + 8), checksum(bytes.subarray(at, at + 8)));
    const data = bytes.subarray(at + 12, at + 12 + length);
    assert.equal(bytes.readUInt32LE(at + 12 + length), checksum(data));
    at += length + 16;
    const event = fields(data);
    const [version] = event.get(3) ?? [];
    const [summary] = event.get(5) ?? [];
    const [session] = event.get(7) ?? [];
    const values = summary ? (fields(summary as Buffer).get(1) ?? []) : [];
    assert.ok((event.get(1)![0] as number) > 1.7e9, 'a wall time in seconds');
    result.push({
      step: event.get(2)![0] as number,
      ...(version && { version: String(version) }),
      ...(session && { session: fields(session as Buffer).get(1)![0] as number }),
      ...(summary && {
        scalars: Object.fromEntries(
          values.map((value) => {
            const parts = fields(value as Buffer);
            return [String(parts.get(1)![0]), parts.get(2)![0] as number];
          }),
        ),
      }),
    });
  }
  return result;
}

describe('tensorBoard', () => {
  const logs = join(folder, 'logs');
  const filesOf = (name: string): string[] =>
    readdirSync(join(logs, name))
      .sort()
      .map((file) => join(logs, name, file));

  it('knows the checksum of the standard (RFC 3720)', () => {
    // Unmasked 0x8a9136aa for 32 zeros.
    const masked = (((0x8a9136aa >>> 15) | (0x8a9136aa << 17)) + 0xa282ead8) >>> 0;
    assert.equal(checksum(Buffer.alloc(32)), masked);
  });

  it('has the scalars of steps and of evaluations', async () => {
    await tell(tensorBoard(logs), events);
    assert.deepEqual(readdirSync(logs).sort(), ['train', 'validation']);
    const steps = events.filter(({ event }) => event === 'step');
    const [train] = filesOf('train').map(readEvents);
    assert.deepEqual(train.slice(0, 2), [
      { step: 0, version: 'brain.Event:2' },
      { step: 1, session: 1 },
    ]);
    const logged = train.slice(2);
    assert.deepEqual(
      logged.map(({ step }) => step),
      [1, 2, 3, 4, 5, 6, 7, 8],
    );
    for (const [i, event] of steps.entries()) {
      if (event.event !== 'step') continue;
      const { scalars = {} } = logged[i];
      assert.equal(scalars.loss, Math.fround(event.loss));
      assert.equal(scalars.accuracy, Math.fround(event.accuracy));
      assert.equal(scalars.learning_rate, 0.125);
      assert.equal(scalars.top2, Math.fround(event.metrics!.top2 as number));
      assert.equal(Object.keys(scalars).length, 4 + dataset.classNames.length);
    }
    const [validation] = filesOf('validation').map(readEvents);
    const evaluations = events.filter(({ event }) => event !== 'step');
    assert.deepEqual(
      validation.slice(2).map(({ step, scalars }) => [step, scalars!.loss]),
      evaluations.map((event) => [
        event.step,
        Math.fround((event as { validationLoss: number }).validationLoss),
      ]),
    );
  });

  it('has the layers of the model, and pictures with the first event and every epoch', async () => {
    const shown = join(folder, 'shown');
    const model = resnet18({ width: 4 });
    const png = Uint8Array.of(1, 2, 3);
    await tell(
      tensorBoard(shown, { model, images: () => [{ tag: 'filters', png, width: 7, height: 5 }] }),
      events,
    );
    const [file] = readdirSync(join(shown, 'train'));
    const bytes = readFileSync(join(shown, 'train', file));
    const records: Map<number, (number | Buffer)[]>[] = [];
    for (let at = 0; at < bytes.length;) {
      const length = Number(bytes.readBigUInt64LE(at));
      records.push(fields(bytes.subarray(at + 12, at + 12 + length)));
      at += length + 16;
    }
    const pictures = records.flatMap((event) => {
      const [summary] = event.get(5) ?? [];
      const values = summary ? (fields(summary as Buffer).get(1) ?? []) : [];
      return values.flatMap((value) => {
        const [tag, image] = [fields(value as Buffer).get(1)![0], fields(value as Buffer).get(4)?.[0]];
        if (!image) return [];
        const parts = fields(image as Buffer);
        const size = [1, 2, 3].map((number) => parts.get(number)![0]);
        return [[event.get(2)![0], String(tag), ...size, [...(parts.get(4)![0] as Buffer)]]];
      });
    });
    assert.deepEqual(
      pictures,
      [0, 4, 8].map((step) => [step, 'filters', 5, 7, 4, [1, 2, 3]]),
    );
    const graph = records.flatMap((event) => event.get(4) ?? [])[0] as Buffer;
    assert.deepEqual([...graph], [...graphDef(model)]);
    const nodes = new Map(
      fields(graph)
        .get(1)!
        .map((node) => {
          const parts = fields(node as Buffer);
          return [String(parts.get(1)![0]), (parts.get(3) ?? []).map(String)];
        }),
    );
    assert.deepEqual(nodes.get('layer1/0/conv1/Conv')!.slice(1), ['layer1/0/conv1/weight']);
    assert.deepEqual(nodes.get('logits'), ['fc/Linear']);
    for (const inputs of nodes.values())
      for (const input of inputs) assert.ok(nodes.has(input.replace(/:\d+$/, '')), input);
  });

  it('begins a file that is read after the others when a run goes on', async () => {
    const [before] = filesOf('train');
    await tell(tensorBoard(logs), events.slice(4));
    const [first, second] = filesOf('train');
    assert.equal(first, before);
    const [, start, ...rest] = readEvents(second);
    assert.equal(start.session, 1);
    assert.equal(start.step, rest[0].step);
  });
});
