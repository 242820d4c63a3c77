/** The process that trains one case, with or without TrAct: `node step-process.js '{"name": "resnet18-128", …}'` */
import process from 'node:process';
import { caseNamed } from './cases.js';
import type { MemoryStages, StartStages } from './protocol.js';
import { peakBytes, serve } from './serve.js';
import { prepare } from './training.js';

export interface StepRequest {
  readonly name: string;
  readonly tract: boolean;
  readonly threads?: number;
}

type Stage = keyof StartStages;

const start = {} as Record<Stage, number>;
const memory = {} as Record<Stage, number>;
const mark = (stage: Stage): void => {
  // The clock of performance.now() starts with the process.
  start[stage] = performance.now();
  memory[stage] = peakBytes();
};

mark('loaded');
const { name, tract, threads } = JSON.parse(process.argv[2]) as StepRequest;
const training = await prepare(caseNamed(name), { tract, threads, onStage: mark });
const prepared = performance.now();
await training.step();
mark('firstStep');
const stages: MemoryStages = { ...memory, state: training.stateBytes };
await serve({ firstStepMilliseconds: start.firstStep - prepared, start, memory: stages }, () =>
  training.step(),
);
