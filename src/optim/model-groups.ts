/** Parameter groups from settings that go together: rates by layer, decay of weights alone, an optimizer for the rest. */
import { isNumbered } from '../graph/import/weight-names.js';
import { parameterKinds } from '../nn/kinds.js';
import { type Model, traceAlone } from '../nn/model.js';
import { OptionError } from '../tensor/option-error.js';
import { type GroupedParameter, type ParameterGroup, checkMeaning, selects } from './groups.js';
import { muonGroups } from './muon.js';
import type { Optimizer } from './optimizer.js';

/** What the parameters of a model are trained by, where that is not alike for all. */
export interface GroupSettings {
  /**
   * Groups of your own. A parameter may be in several: of rate, decay, optimizer and whether it is trained, each is as the
   * first group says that it is in and that says something of it.
   */
  readonly groups?: readonly ParameterGroup[];
  /** Whether norms, biases and embeddings get no weight decay, unless a group says otherwise. Default false. */
  readonly decayWeightsOnly?: boolean;
  /** What the learning rate of the first layer is multiplied by. Default 1. */
  readonly firstLayerFactor?: number;
  /**
   * Layer-wise decay of the learning rate: that of each layer is the next one's times this; above 0 and at most 1. Default
   * 1. Layers are what `layersOf` says.
   */
  readonly layerDecay?: number;
  /** What trains biases, norms, embeddings and the last layer in place of the common optimizer: Muon is not for these. */
  readonly rest?: Optimizer;
}

/** Groups, or how they come of a model, such as `groupsFor({ decayWeightsOnly: true })`. */
export type ParameterGroups = readonly ParameterGroup[] | ((model: Model) => readonly ParameterGroup[]);

/**
 * Parameter groups from settings, for whichever model is trained. The factors of a learning rate are multiplied.
 *
 * @throws OptionError for a factor or layer decay out of range; when a model is trained, for a group that selects nothing, and
 *   for layer decay where an exporter numbered weights, so that nobody knows their layers
 */
export function groupsFor(settings: GroupSettings): (model: Model) => readonly ParameterGroup[] {
  const { groups = [], decayWeightsOnly = false, firstLayerFactor = 1, layerDecay = 1, rest } = settings;
  if (!(firstLayerFactor >= 0 && Number.isFinite(firstLayerFactor)))
    throw new OptionError(`firstLayerFactor must be at least 0, not ${firstLayerFactor}`);
  if (!(layerDecay > 0 && layerDecay <= 1))
    throw new OptionError(`layerDecay must be above 0 and at most 1, not ${layerDecay}`);
  const forRest = rest ? muonGroups(rest) : [];
  return (model) => {
    const parameters = groupedParameters(model);
    if (layerDecay !== 1) checkLayersKnown(parameters);
    for (const group of groups) checkMeaning(group.parameters, parameters);
    const layers = layersOf(parameters);
    const last = Math.max(...layers.values());
    const settingsOf = (parameter: GroupedParameter): Omit<ParameterGroup, 'parameters'> => {
      const own = [...groups, ...forRest].filter((group) => selects(group.parameters)(parameter));
      const first = <K extends keyof ParameterGroup>(key: K): ParameterGroup[K] | undefined =>
        own.find((group) => group[key] !== undefined)?.[key];
      const { kinds, name } = parameter;
      const undecayed = decayWeightsOnly && ['norm', 'bias', 'embedding'].some((kind) => kinds.has(kind));
      const [trainable, optimizer] = [first('trainable'), first('optimizer')];
      const weightDecay = first('weightDecay') ?? (undecayed ? 0 : undefined);
      const learningRateFactor =
        (first('learningRateFactor') ?? 1) *
        (kinds.has('first') ? firstLayerFactor : 1) *
        layerDecay ** (last - layers.get(name)!);
      return {
        ...(trainable !== undefined && { trainable }),
        ...(learningRateFactor !== 1 && { learningRateFactor }),
        ...(weightDecay !== undefined && { weightDecay }),
        ...(optimizer && { optimizer }),
      };
    };
    const chosen = parameters.map(settingsOf);
    // What selects nothing is said as ever, when the groups are assigned.
    const empty = groups.filter(({ parameters: selector }) => !parameters.some(selects(selector)));
    return [...merged(parameters, chosen), ...empty];
  };
}

/** One group for all parameters of the same settings. */
function merged(
  parameters: readonly GroupedParameter[],
  settings: readonly Omit<ParameterGroup, 'parameters'>[],
): ParameterGroup[] {
  const groups: { names: Set<string>; settings: Omit<ParameterGroup, 'parameters'> }[] = [];
  parameters.forEach(({ name }, i) => {
    if (Object.keys(settings[i]).length === 0) return;
    const same = groups.find((group) => equal(group.settings, settings[i]));
    if (same) same.names.add(name);
    else groups.push({ names: new Set([name]), settings: settings[i] });
  });
  // A name may look like a kind, a path or a pattern; it means the parameter of that name.
  return groups.map((group) => ({ ...group.settings, parameters: ({ name }) => group.names.has(name) }));
}

function equal(a: Omit<ParameterGroup, 'parameters'>, b: Omit<ParameterGroup, 'parameters'>): boolean {
  return (['trainable', 'learningRateFactor', 'weightDecay', 'optimizer'] as const).every(
    (key) => a[key] === b[key],
  );
}

/** The parameters of a model, as groups tell them apart. */
export function groupedParameters(model: Model): GroupedParameter[] {
  const traced = traceAlone(model, 1, true);
  const kinds = parameterKinds(traced);
  return [...traced.parameters.keys()].map((name) => ({ name, kinds: kinds.get(name)! }));
}

/**
 * The layer of each parameter, counted from the image on: parts with a number (`blocks.3`, `layer1.0`) are a layer each,
 * what is declared before the first of them is the first layer (stem, embeddings), and what comes after the last of them
 * the last layer (final norm, classifier), as BEiT and timm count them. In a model without such parts every part with a
 * weight begins a layer.
 *
 * @param parameters in the order in which the model declares them
 */
export function layersOf(parameters: readonly GroupedParameter[]): Map<string, number> {
  const parts = parameters.map(({ name }) => partOf(name));
  const numbered = parts.map((part) => /(^|\.)\d+$/.test(part));
  const [firstNumbered, lastNumbered] = [numbered.indexOf(true), numbered.lastIndexOf(true)];
  const keys = parameters.map(({ kinds }, i) => {
    if (firstNumbered >= 0) {
      if (i < firstNumbered) return ' stem';
      return i > lastNumbered ? ' head' : parts[i];
    }
    return kinds.has('weight') ? parts[i] : undefined;
  });
  // Biases and norms belong to the weights before them; those before all weights to the first.
  let current = keys.find((key) => key !== undefined) ?? '';
  const order: string[] = [];
  return new Map(
    parameters.map(({ name }, i) => {
      current = keys[i] ?? current;
      if (!order.includes(current)) order.push(current);
      return [name, order.indexOf(current)];
    }),
  );
}

function checkLayersKnown(parameters: readonly GroupedParameter[]): void {
  const unknown = parameters.filter(({ name }) => isNumbered(name));
  if (unknown.length === 0) return;
  const more = unknown.length > 1 ? ` and ${unknown.length - 1} more` : '';
  throw new OptionError(
    `layerDecay needs to know the layer of each weight, and the exporter of this model numbered "${unknown[0].name}"${more}; export it for training`,
  );
}

/** The path up to its first number, or that of the whole layer: `blocks.3.attn.qkv.weight` → `blocks.3`. */
function partOf(name: string): string {
  const path = name.split('.');
  const number = path.findIndex((word, i) => i < path.length - 1 && /^\d+$/.test(word));
  return path.slice(0, number >= 0 ? number + 1 : -1).join('.');
}
