/** How a run was trained, in words. */
import { storedTransforms, transformsOf } from '../data/image-transforms.js';
import { counted } from '../tensor/counted.js';
import { formatLambda } from '../tract/lambda.js';
import type { RunConfig } from '../train/run-config.js';
import { scheduleWords } from './words.js';

/** In a few lines: what each is about, and what was chosen. */
export function runSettings(config: RunConfig): [string, string][] {
  const { data, model, tract, optimizer, schedule, stages, labelSmoothing } = config;
  const options = Object.entries(optimizer.config).map(([name, value]) => `${name} ${value}`);
  const layers = tract && [tract.layer].flat().join(', ');
  const width = typeof model.config.width === 'number' ? ` of width ${model.config.width}` : '';
  const augmentation = augmentationNames(config);
  return [
    ['model', `${model.name}${width}`],
    ['method', tract ? `TrAct on ${layers}, lambda ${formatLambda(tract.lambda)}` : 'vanilla'],
    [
      'data',
      `${data.name}, ${data.trainImages} training${data.validationImages === undefined ? '' : `, ${data.validationImages} validation`} and ${data.testImages} test images`,
    ],
    ['augmentation', augmentation.length > 0 ? augmentation.join(', ') : 'none'],
    ['optimizer', [optimizer.name, ...options].join(', ')],
    ['learning rate', `${schedule.config.lr}, ${scheduleWords(schedule)}`],
    ...(labelSmoothing > 0 ? [['label smoothing', String(labelSmoothing)] as [string, string]] : []),
    [
      'batches',
      `${counted(config.batchSize, 'image')}, ${counted(config.epochs, 'epoch')}, seed ${config.seed}`,
    ],
    ...(stages
      ? [['stages', stages.map(({ epochs }) => epochs).join(' + ') + ' epochs'] as [string, string]]
      : []),
  ];
}

/** Of the transforms that vary training images, and of what mixes them. */
function augmentationNames({ augmentation, mixing }: RunConfig): string[] {
  const stored = augmentation ?? [];
  // The user's own are known by their names alone.
  const transforms = 'cropPadding' in stored ? storedTransforms(transformsOf(stored)) : stored;
  const mixed = (['mixup', 'cutmix'] as const).filter((name) => (mixing?.[name] ?? 0) > 0);
  return [...transforms.map(({ name }) => name), ...mixed];
}
