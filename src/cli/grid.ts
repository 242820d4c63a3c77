/** `--grid`: the methods of a comparison at several values of a flag. */
import { type Command, InvalidArgumentError } from 'commander';
import type { VariantSettings } from '../compare/plan.js';
import type { Variant } from '../compare/variant.js';
import type { ImageDataset } from '../data/dataset.js';
import { augmentationOf } from './augmentation.js';
import { modelFor } from './chosen-model.js';
import { classWeightsOf } from './class-weights.js';
import { UsageError } from './errors.js';
import { longFlag } from './flags.js';
import { transformsOf } from './optimization.js';
import { withDefaults } from './recipe-flags.js';
import { tractOnly, tractOptionsOf } from './tract-flags.js';
import { withWarmup } from './warmup.js';
import type { TrainFlags } from './train-flags.js';
import { optimizationFrom } from './train-plan.js';

/** A flag and the values it takes. */
export interface GridAxis {
  /** Without its dashes. */
  readonly flag: string;
  readonly values: readonly string[];
}

/** Flags whose runs could not be laid beside each other: other images, other numbers of steps, other places. */
const apart: ReadonlySet<string> = new Set([
  ...['data', 'dataDir', 'limitTrain', 'limitTest', 'validation', 'batchSize', 'epochs', 'maxSteps', 'seed'],
  ...['device', 'threads', 'json', 'out', 'resume', 'weights', 'recipe', 'tract', 'tractLayer', 'group'],
  ...['imageSize', 'background', 'workers', 'cacheSize'],
  ...['methods', 'seeds', 'lambda', 'inputScaling', 'evalEvery', 'grid', 'stopWhen'],
]);

/** @throws InvalidArgumentError for what is not `flag=value,value` */
export function gridValue(text: string): GridAxis {
  const [flag, ...rest] = text.split('=');
  const values = rest
    .join('=')
    .split(',')
    .map((value) => value.trim());
  if (rest.length === 0 || values.includes('') || !/^[a-z][a-z-]*$/.test(flag))
    throw new InvalidArgumentError(
      'It must be like lr=0.02,0.04,0.08: a flag without its dashes, and its values.',
    );
  if (new Set(values).size < values.length) throw new InvalidArgumentError('A value is given twice.');
  return { flag, values };
}

/** The methods at each point of the grid, and what is otherwise there. */
export interface Grid {
  readonly variants: readonly Variant[];
  readonly settings: ReadonlyMap<string, VariantSettings>;
}

/** @throws UsageError for a flag that is none, or that a comparison cannot vary, or a value that it cannot take */
export async function gridOf(
  axes: readonly GridAxis[],
  methods: readonly Variant[],
  asked: TrainFlags,
  command: Command,
  dataset: ImageDataset,
): Promise<Grid> {
  const variants: Variant[] = [];
  const settings = new Map<string, VariantSettings>();
  for (const method of methods) {
    for (const point of pointsOf(axes, method, command)) {
      const chosen = withDefaults({ ...asked, ...point.flags }, command, Object.keys(point.flags));
      const flags = withWarmup(chosen, dataset);
      const variant = { ...method, id: `${method.id}${point.id}`, label: `${method.label}${point.label}` };
      variants.push(variant);
      const { device, threads } = flags;
      settings.set(variant.id, {
        model: await modelFor(flags, command, dataset),
        training: {
          ...optimizationFrom(flags, command),
          ...classWeightsOf(flags, dataset),
          device,
          ...(threads !== undefined && { threads }),
        },
        transforms: transformsOf(flags),
        tract: tractOptionsOf(flags, dataset),
        augmentation: augmentationOf({ ...flags, seed: 0 }, dataset),
      });
    }
  }
  return { variants, settings };
}

/** All combinations of the axes' values; those that are of TrAct alone make no difference to other methods. */
function pointsOf(axes: readonly GridAxis[], { method }: Variant, command: Command): Point[] {
  return axes.reduce<Point[]>(
    (before, axis) => {
      const points = before.flatMap((point) =>
        axis.values.map((value) => pointWith(point, axis, value, command)),
      );
      const isOfTract = tractOnly.some((key) => longFlag(command, key) === `--${axis.flag}`);
      return isOfTract && method !== 'tract' ? before : points;
    },
    [{ flags: {}, id: '', label: '' }],
  );
}

interface Point {
  readonly flags: Readonly<Record<string, unknown>>;
  /** Behind those of the method. */
  readonly id: string;
  readonly label: string;
}

function pointWith(point: Point, { flag, values }: GridAxis, value: string, command: Command): Point {
  const option = command.options.find(({ long }) => long === `--${flag}`);
  if (!option) throw new UsageError(`--grid ${flag}=…: there is no flag --${flag}`);
  const key = option.attributeName();
  if (apart.has(key)) {
    throw new UsageError(
      `--grid cannot vary --${flag}: its runs would not be of the same images and steps, or it has a flag of its own; make a comparison for each value, and lay them beside each other by tract table`,
    );
  }
  if (key in point.flags) throw new UsageError(`--grid ${flag}: the flag is varied twice`);
  const parsed = !option.required && !option.optional ? switched(value, option.negate, flag) : parse(value);
  return {
    flags: { ...point.flags, [key]: parsed },
    id: `${point.id}-${flag}-${value.replace(/[^\w.+-]/g, '_')}`,
    label: values.length > 1 ? `${point.label}, ${flag} ${value}` : point.label,
  };

  function parse(text: string): unknown {
    try {
      return option!.parseArg?.<unknown>(text, undefined) ?? text;
    } catch (error) {
      if (!(error instanceof InvalidArgumentError)) throw error;
      throw new UsageError(`--grid ${flag}=${text}: ${error.message}`);
    }
  }
}

/** `on` or `off`, for flags that take no value. */
function switched(value: string, negated: boolean, flag: string): boolean {
  if (value !== 'on' && value !== 'off')
    throw new UsageError(`--grid ${flag}: the values are on and off, not ${value}`);
  return (value === 'on') !== negated;
}
