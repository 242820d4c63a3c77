/** A run as text: epochs as lines on stdout; between them a progress bar, or lines now and then, on stderr. */
import { formatLambda } from '../tract/lambda.js';
import type { EpochEvent, StepEvent } from '../train/events.js';
import { ProgressLine } from './progress-line.js';
import { percent } from '../compare/words.js';
import { duration, shellWord, short } from './format.js';
import { fields, widthOf, wrap } from './layout.js';
import type { EndEvent, Reporter, RunEvent, StartEvent } from './reporter.js';

/** How much of the shown loss, accuracy and speed comes from the newest step. */
const NEWEST = 0.1;

/** @param command how the command is called, for the hints */
export function textReporter(command: string): Reporter {
  const progress = new ProgressLine();
  const print = (text: string): void => {
    progress.clear();
    process.stdout.write(`${wrap(text, widthOf(process.stdout), '  ')}\n`);
  };
  let start: StartEvent | undefined;
  let began = performance.now();
  let shown: Pick<StepEvent, 'loss' | 'accuracy' | 'imagesPerSecond'> | undefined;

  const step = (event: StepEvent): void => {
    if (!start) return;
    const { loss, accuracy, imagesPerSecond } = event;
    const mixed = (before: number, now: number): number => before + NEWEST * (now - before);
    shown = shown
      ? {
          loss: mixed(shown.loss, loss),
          accuracy: mixed(shown.accuracy, accuracy),
          imagesPerSecond: mixed(shown.imagesPerSecond, imagesPerSecond),
        }
      : { loss, accuracy, imagesPerSecond };
    const perStep = (performance.now() - began) / 1000 / (event.step - start.step);
    const total = Math.min(start.stepsPerEpoch, event.steps - (event.epoch - 1) * start.stepsPerEpoch);
    progress.update(event.step - (event.epoch - 1) * start.stepsPerEpoch, total, {
      epoch: `epoch ${event.epoch}/${start.config.epochs}`,
      figures: [
        `loss ${shown.loss.toFixed(3)}`,
        `accuracy ${percent(shown.accuracy)}`,
        `${Math.round(shown.imagesPerSecond)} images/s`,
        `${duration(perStep * (event.steps - event.step))} left`,
      ],
    });
  };

  const epoch = (event: EpochEvent): void => {
    const parts = [
      `epoch ${event.epoch}/${start?.config.epochs ?? '?'}  train loss ${event.trainLoss.toFixed(4)}  accuracy ${percent(event.trainAccuracy)}`,
      `test loss ${event.testLoss.toFixed(4)}  accuracy ${percent(event.testAccuracy)}`,
      duration(event.seconds),
    ];
    print(fields(parts, widthOf(process.stdout)));
  };

  return {
    report(event: RunEvent) {
      switch (event.event) {
        case 'start':
          start = event;
          began = performance.now();
          print(introduction(event));
          break;
        case 'step':
          step(event);
          break;
        case 'epoch':
          epoch(event);
          break;
        case 'checkpoint':
          break;
        case 'end':
          if (!event.interrupted) print(conclusion(event, command));
          break;
      }
    },
    note(text) {
      progress.clear();
      process.stderr.write(`${wrap(text, widthOf(process.stderr))}\n`);
    },
    close() {
      progress.clear();
    },
  };
}

function introduction({ config, parameters, steps, step, out, resumed }: StartEvent): string {
  const { data, model, tract, optimizer, schedule } = config;
  const method = tract ? `, ${tract.layer} by TrAct (lambda ${formatLambda(tract.lambda)})` : '';
  const lines = [
    `${model.name}, ${short(parameters)} parameters${method}`,
    `${data.name}: ${data.trainImages} training and ${data.testImages} test images, ${data.classNames.length} classes`,
    `${optimizer.name}, learning rate ${schedule.config.lr} (${schedule.name}), batches of ${config.batchSize}, ${steps} steps, seed ${config.seed}`,
    resumed ? `Continuing ${out} after step ${step}` : `Keeping the run in ${out}`,
  ];
  return lines.join('\n');
}

function conclusion({ out, bestAccuracy, seconds }: EndEvent, command: string): string {
  const best = bestAccuracy === undefined ? '' : ` Best test accuracy ${percent(bestAccuracy)}.`;
  return [
    `Finished in ${duration(seconds)}.${best} The model is in ${out}; what to do with it:`,
    `  ${command} predict ${shellWord(out)} IMAGE…`,
    `  ${command} export ${shellWord(out)} --out model.onnx`,
  ].join('\n');
}
