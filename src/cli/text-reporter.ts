/** A run as text: epochs as lines on stdout; between them a progress bar, or lines now and then, on stderr. */
import { counted } from '../tensor/counted.js';
import { formatLambda } from '../tract/lambda.js';
import { type EpochEvent, type StepEvent, evaluationOf } from '../train/events.js';
import type { StageConfig } from '../train/run-config.js';
import { stageAt } from '../train/stages.js';
import { ProgressLine } from './progress-line.js';
import { percent, scheduleWords } from '../compare/words.js';
import { duration, shellWord, short } from './format.js';
import type { EndEvent, Reporter, RunEvent, StartEvent } from './reporter.js';
import { note, print, printFields } from './terminal.js';

/** How much of the shown loss, accuracy and speed comes from the newest step. */
const NEWEST = 0.1;

/** @param command how the command is called, for the hints */
export function textReporter(command: string): Reporter {
  const progress = new ProgressLine();
  const tell = (...lines: readonly string[]): void => {
    progress.clear();
    print(...lines);
  };
  let start: StartEvent | undefined;
  let began = performance.now();
  /** Steps before the present epoch. */
  let before = 0;
  let shown: Pick<StepEvent, 'loss' | 'accuracy' | 'imagesPerSecond'> | undefined;

  /** Such as `epoch 4/10, stage 2/2`. */
  const place = (number: number): string => {
    const { epochs, stages } = start?.config ?? {};
    const stage = stages ? `, stage ${stageAt(stages, number - 1) + 1}/${stages.length}` : '';
    return `epoch ${number}/${epochs ?? '?'}${stage}`;
  };

  const step = (event: StepEvent): void => {
    if (!start) return;
    const { loss, accuracy, imagesPerSecond } = event;
    const mixed = (old: number, now: number): number => old + NEWEST * (now - old);
    shown = shown
      ? {
          loss: mixed(shown.loss, loss),
          accuracy: mixed(shown.accuracy, accuracy),
          imagesPerSecond: mixed(shown.imagesPerSecond, imagesPerSecond),
        }
      : { loss, accuracy, imagesPerSecond };
    const perStep = (performance.now() - began) / 1000 / (event.step - start.step);
    const total = Math.min(start.stepsPerEpoch, event.steps - before);
    progress.update(event.step - before, total, {
      epoch: place(event.epoch),
      figures: [
        `loss ${shown.loss.toFixed(3)}`,
        `accuracy ${percent(shown.accuracy)}`,
        `${Math.round(shown.imagesPerSecond)} images/s`,
        `${duration(perStep * (event.steps - event.step))} left`,
      ],
    });
  };

  const epoch = (event: EpochEvent): void => {
    before = event.step;
    const { kind, loss, accuracy } = evaluationOf(event);
    progress.clear();
    printFields(
      `${place(event.epoch)}  train loss ${event.trainLoss.toFixed(4)}  accuracy ${percent(event.trainAccuracy)}`,
      `${kind} loss ${loss.toFixed(4)}  accuracy ${percent(accuracy)}`,
      duration(event.seconds),
    );
  };

  return {
    report(event: RunEvent) {
      switch (event.event) {
        case 'start':
          start = event;
          began = performance.now();
          before = event.step - event.stepInEpoch;
          tell(...introduction(event));
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
          if (!event.interrupted) tell(...conclusion(event, command));
          break;
      }
    },
    note(...lines) {
      progress.clear();
      note(...lines);
    },
    close() {
      progress.clear();
    },
  };
}

function introduction({ config, parameters, steps, step, out, resumed, ranks }: StartEvent): string[] {
  const { data, model, tract, optimizer, schedule } = config;
  const shards = config.shards === undefined ? '' : ` in ${counted(config.shards, 'shard')}`;
  const processes = ranks === undefined ? '' : ` by ${ranks} processes`;
  const method = tract
    ? `, ${[tract.layer].flat().join(', ')} by TrAct (lambda ${formatLambda(tract.lambda)})`
    : '';
  return [
    `${model.name}, ${short(parameters)} parameters${method}`,
    `${data.name}: ${data.trainImages} training${data.validationImages === undefined ? '' : `, ${data.validationImages} validation`} and ${data.testImages} test images, ${data.classNames.length} classes`,
    `${optimizer.name}, learning rate ${schedule.config.lr} (${scheduleWords(schedule)}), batches of ${config.batchSize}${shards}${processes}, ${counted(steps, 'step')}, seed ${config.seed}`,
    ...(config.stages ?? []).map(stageLine),
    resumed ? `Continuing ${out} after step ${step}` : `Keeping the run in ${out}`,
  ];
}

/** How many parameters a line names. */
const MOST_NAMED = 4;

function stageLine({ parameters, epochs, learningRateFactor = 1 }: StageConfig, index: number): string {
  const names = parameters?.slice(0, MOST_NAMED).join(', ') ?? 'all parameters';
  const more = (parameters?.length ?? 0) > MOST_NAMED ? ` and ${parameters!.length - MOST_NAMED} more` : '';
  const rate = learningRateFactor === 1 ? '' : `, learning rate times ${learningRateFactor}`;
  return `stage ${index + 1}: ${counted(epochs, 'epoch')} of ${names}${more}${rate}`;
}

function conclusion(event: EndEvent, command: string): string[] {
  const { out, seconds } = event;
  return [
    `Finished in ${duration(seconds)}.${outcome(event)} The model is in ${out}; what to do with it:`,
    `  ${command} predict ${shellWord(out)} IMAGE…`,
    `  ${command} export ${shellWord(out)}`,
    ...(event.report === undefined ? [] : [`What came out, class by class, is in ${event.report}`]),
  ];
}

/** What came out, and whether an epoch was chosen or the last one is what is kept. */
function outcome({ bestAccuracy, bestEpoch, testAccuracy, epochs }: EndEvent): string {
  // A finished run that was resumed without validation images has nothing new to tell.
  if (testAccuracy === undefined) return '';
  if (bestAccuracy === undefined || bestEpoch === undefined) {
    return ` Test accuracy after the last epoch ${percent(testAccuracy)}.`;
  }
  return ` Best of ${epochs} epochs by validation accuracy is epoch ${bestEpoch}: validation ${percent(bestAccuracy)}, test ${percent(testAccuracy)}.`;
}
