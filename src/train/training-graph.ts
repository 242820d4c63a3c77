/**
 * The graphs of a training step: from a batch to sums (gradients, statistics of the transforms, next running statistics,
 * loss and metrics), and from the sums to the next state. Sums are scaled so that adding them over the shards of a batch
 * gives those of the whole batch. Where there is one shard, both halves are one graph.
 */
import { grad } from '../autodiff/grad.js';
import { Graph, GraphError, type Value } from '../graph/graph.js';
import * as op from '../graph/ops.js';
import { nextName, stateName, sumName } from '../graph/state-names.js';
import { checkClassWeights } from '../data/class-weights.js';
import { correct, crossEntropy, labelWeights } from '../nn/loss.js';
import { type Metric, checkMetrics } from '../nn/metrics.js';
import { type Model, type TracedModel } from '../nn/model.js';
import { type Assignment, assignGroups } from '../optim/groups.js';
import { averaged, checkEmaDecay } from '../optim/ema.js';
import { type ParameterGroups, groupedParameters } from '../optim/model-groups.js';
import type { Optimizer } from '../optim/optimizer.js';
import { type Trainable, trainable } from '../optim/trainable.js';
import type { ForwardPass } from '../optim/transform.js';
import { OptionError } from '../tensor/option-error.js';
import type { DType } from '../tensor/tensor.js';
import { forward, metricName } from './step-graph.js';

/** What a training step depends on. */
export interface TrainingGraphOptions {
  /** Images of a step. */
  readonly batchSize: number;
  readonly optimizer: Optimizer;
  /** Default 0. */
  readonly labelSmoothing?: number;
  /** How much each class counts in the loss. Default: all alike. */
  readonly classWeights?: readonly number[];
  /** Whether the loss is of class probabilities, the input `targets` float32 [N, classes]. Default false. */
  readonly softLabels?: boolean;
  /** Default: all parameters are trained alike. */
  readonly groups?: ParameterGroups;
  /** The decay of the mean of weights that is kept beside them. Default: none is kept. */
  readonly emaDecay?: number;
  /** Into how many shards of equal size a batch is cut. Default 1. */
  readonly shards?: number;
  /** Beside loss and accuracy. Default none. */
  readonly metrics?: readonly Metric[];
  /** Of what is drawn at random in a step, such as the masks of dropout. Default 0. */
  readonly seed?: number;
}

/** A training step, with what a trainer has to know of it. */
export interface TrainingGraph extends TracedModel {
  /** The weights that a mean is kept of: what a step changes, where there is an `emaDecay`. */
  readonly averaged: readonly string[];
  /** How each parameter is trained. */
  readonly assignments: ReadonlyMap<string, Assignment>;
  /** Each has a learning rate of its own: `learning_rate`, `learning_rate_2`, … */
  readonly optimizers: readonly Optimizer[];
}

/** The name of an optimizer's state for a parameter, such as `conv1.weight/momentum_buffer`. */
export function slotName(parameter: string, slot: string): string {
  return `${parameter}/${slot}`;
}

/** The name of the mean of a weight's values so far. */
export function emaName(weight: string): string {
  return slotName(weight, 'ema');
}

/** The input that holds the learning rate of the optimizer of that position. */
export function learningRateName(index: number): string {
  return index === 0 ? 'learning_rate' : `learning_rate_${index + 1}`;
}

/**
 * One training step as one graph, a pure function: the state (parameters, running statistics, state of optimizer and
 * transforms), a batch, the learning rate and the step's number go in; the next state, the mean loss and the number of
 * correct answers come out.
 *
 * Inputs beside the state: `images` uint8 [N, C, H, W], `labels` int32 [N], `mean` and `deviation` float32 [C],
 * `learning_rate` float32 [], `step` float64 [] counted from 1, and with soft labels `targets` float32 [N, classes]. Outputs beside it: `loss` and `correct`, float32 [], and
 * for each metric `metric_<name>`.
 */
export function trainingGraph(given: Model | Trainable, options: TrainingGraphOptions): TrainingGraph {
  const step = new StepBuilder(given, { ...options, shards: 1 });
  const { traced, sums } = step.gradients();
  step.update(traced.graph, sums, new Map([...traced.parameters].map(([name, { value }]) => [name, value])));
  for (const [name, { value, next }] of traced.buffers) {
    if (next && next !== value) step.next(traced.graph, name, next);
  }
  return step.described(traced);
}

/**
 * The first half of a step: from the state and one shard of a batch to the outputs `sum/<name>`.
 *
 * Inputs beside the state: as those of `trainingGraph`, for one shard, without rate and step; and `shard` int64 [], the
 * number of the shard, where there are several; with class weights, then, `label_weight` float32 [], the sum of the weights
 * of the classes of all labels of the batch.
 */
export function gradientGraph(given: Model | Trainable, options: TrainingGraphOptions): TrainingGraph {
  const step = new StepBuilder(given, options);
  const { traced, sums } = step.gradients();
  for (const [name, value] of sums) traced.graph.output(sumName(name), value);
  return step.described(traced);
}

/** The second half of a step: from the state, the sums, rate and step to the next state, loss, correct and metrics. */
export function updateGraph(given: Model | Trainable, options: TrainingGraphOptions): Graph {
  const step = new StepBuilder(given, options);
  const { traced, sums: wanted } = step.gradients();
  const graph = new Graph();
  const sums = new Map(
    [...wanted].map(([name, { dtype, shape }]) => [name, graph.input(sumName(name), dtype, shape)]),
  );
  const parameters = new Map(
    [...traced.parameters]
      .filter(([name]) => step.assignments.get(name)!.trainable)
      .map(([name, { value }]) => [name, graph.input(stateName(name), 'float32', value.shape)]),
  );
  step.update(graph, sums, parameters);
  for (const [name, { value, next }] of traced.buffers) {
    if (next && next !== value) step.next(graph, name, sums.get(`buffer/${name}`)!);
  }
  return graph;
}

/** A scalar input that may be there already, because the forward pass draws random numbers. */
function inputOnce(graph: Graph, name: string, dtype: DType): Value {
  return graph.inputs.find((input) => input.name === name) ?? graph.input(name, dtype, []);
}

/** Builds the halves of a step. */
class StepBuilder {
  readonly #model: Model;
  readonly #transforms: Trainable['transforms'];
  readonly #options: TrainingGraphOptions;
  readonly #shards: number;
  #assignments: ReadonlyMap<string, Assignment> | undefined;
  /** The input that holds the number of the step. */
  #step: Value | undefined;

  constructor(given: Model | Trainable, options: TrainingGraphOptions) {
    const { model, transforms } = trainable(given);
    const { batchSize, shards = 1, metrics = [], emaDecay, classWeights } = options;
    checkMetrics(metrics);
    if (emaDecay !== undefined) checkEmaDecay(emaDecay);
    if (classWeights) checkClassWeights(classWeights, model.classes);
    if (!Number.isSafeInteger(shards) || shards < 1 || batchSize % shards !== 0) {
      throw new OptionError(`a batch of ${batchSize} cannot be cut into ${shards} shards of equal size`);
    }
    this.#model = model;
    this.#transforms = transforms;
    this.#options = options;
    this.#shards = shards;
  }

  get assignments(): ReadonlyMap<string, Assignment> {
    return this.#assignments!;
  }

  /** With what a trainer has to know of the step. */
  described(traced: TracedModel): TrainingGraph {
    const { assignments, optimizers } = this;
    const changing = [
      ...[...traced.parameters.keys()].filter((name) => assignments.get(name)!.trainable),
      ...[...traced.buffers].filter(([, { value, next }]) => next && next !== value).map(([name]) => name),
    ];
    return {
      ...traced,
      assignments,
      optimizers,
      averaged: this.#options.emaDecay === undefined ? [] : changing,
    };
  }

  /** The common one, and those that groups have of their own. */
  get optimizers(): readonly Optimizer[] {
    return [
      ...new Set([
        this.#options.optimizer,
        ...[...this.assignments.values()].map(({ optimizer }) => optimizer),
      ]),
    ];
  }

  /** The forward and backward pass over one shard, and what is to be summed of it. */
  gradients(): { readonly traced: TracedModel; readonly sums: Map<string, Value> } {
    const { batchSize, optimizer, groups = [], metrics = [] } = this.#options;
    const { softLabels = false } = this.#options;
    const shards = this.#shards;
    const given = typeof groups === 'function' ? groups(this.#model) : groups;
    // Without groups nothing is frozen, and the model need not be traced before.
    const grouped =
      given.length > 0 ? assignGroups(groupedParameters(this.#model), given, optimizer) : undefined;
    const traced = forward(this.#model, batchSize / shards, true, {
      random: (within) => ({
        seed: this.#options.seed ?? 0,
        step: inputOnce(within, 'step', 'float64'),
        ...(shards > 1 && { shard: inputOnce(within, 'shard', 'int64') }),
      }),
      isFrozen: (name) => grouped?.get(name)!.trainable === false,
    });
    const { graph, images, logits, labels, parameters, buffers } = traced;
    const names = [...parameters.keys()].map((name) => ({ name, kinds: new Set<string>() }));
    this.#assignments = grouped ?? assignGroups(names, [], optimizer);
    const targets = softLabels ? graph.input('targets', 'float32', logits.shape) : labels;
    const forwardNodes = graph.nodes.slice();
    const share = (value: Value): Value => (shards === 1 ? value : op.mul(value, 1 / shards));
    const loss = graph.inScope('loss', () => this.#loss(logits, targets));
    const sums = new Map<string, Value>([['loss', loss]]);
    graph.inScope('loss', () => {
      sums.set('correct', op.reduceSum(correct(logits, labels), [0]));
      for (const metric of metrics) {
        sums.set(metricName(metric), op.reduceSum(metric.contributions(logits, labels), [0]));
      }
    });
    const trained = [...parameters].filter(([name]) => this.assignments.get(name)!.trainable);
    const gradients = grad(
      loss,
      trained.map(([, { value }]) => value),
    );
    trained.forEach(([name], i) => sums.set(`gradient/${name}`, gradients[i]));
    const pass: ForwardPass = {
      images,
      nodes: forwardNodes,
      parameters: new Map(trained.map(([name, { value }]) => [name, value])),
      gradientOf: (value) => grad(loss, [value])[0],
      shards,
      ...(shards > 1 && { shard: inputOnce(graph, 'shard', 'int64') }),
    };
    this.#transforms.forEach(({ name: transform, statistics }, i) => {
      const found = graph.inScope(transform, () => statistics?.(pass));
      for (const [name, value] of found ?? []) sums.set(`statistic/${i}/${name}`, value);
    });
    for (const [name, { value, next }] of buffers) {
      if (next && next !== value) sums.set(`buffer/${name}`, share(next));
    }
    return { traced, sums };
  }

  /** The shard's share in the mean loss of the batch, which class weights make a weighted mean, as PyTorch does. */
  #loss(logits: Value, targets: Value): Value {
    const { labelSmoothing = 0, classWeights } = this.#options;
    const losses = crossEntropy(logits, targets, labelSmoothing, classWeights);
    if (!classWeights || targets.dtype !== 'int32') {
      const mean = op.reduceMean(losses, [0]);
      return this.#shards === 1 ? mean : op.mul(mean, 1 / this.#shards);
    }
    const total =
      this.#shards === 1
        ? op.reduceSum(labelWeights(targets, classWeights), [0])
        : inputOnce(logits.graph, 'label_weight', 'float32');
    return op.div(op.reduceSum(losses, [0]), total);
  }

  /** Appends what becomes of the sums: the transforms, the optimizers, the next state, and the results. */
  update(graph: Graph, sums: ReadonlyMap<string, Value>, parameters: ReadonlyMap<string, Value>): void {
    const { metrics = [] } = this.#options;
    for (const name of ['loss', 'correct', ...metrics.map(metricName)]) graph.output(name, sums.get(name)!);
    const rates = this.optimizers.map((_, i) => graph.input(learningRateName(i), 'float32', []));
    const step = inputOnce(graph, 'step', 'float64');
    this.#step = step;
    const gradients = this.#transformed(graph, sums, parameters, step);
    for (const [name, gradient] of gradients) {
      const { optimizer, learningRateFactor, weightDecay } = this.assignments.get(name)!;
      const parameter = parameters.get(name)!;
      const slots = optimizer.slots.map((slot) => slotName(name, slot.name));
      const present = slots.map((slot) => graph.input(stateName(slot), 'float32', parameter.shape));
      const next = graph.inScope(`optimizer/${name}`, () => {
        const rate = rates[this.optimizers.indexOf(optimizer)];
        const learningRate = learningRateFactor === 1 ? rate : op.mul(rate, learningRateFactor);
        return optimizer.update(parameter, gradient, present, {
          learningRate,
          step,
          ...(weightDecay !== undefined && { weightDecay }),
        });
      });
      this.next(graph, name, next.parameter);
      slots.forEach((slot, i) => {
        graph.output(nextName(slot), next.slots[i]);
      });
    }
  }

  /** What a weight becomes, and the mean over the values that it has had. */
  next(graph: Graph, name: string, value: Value): void {
    graph.output(nextName(name), value);
    const { emaDecay } = this.#options;
    if (emaDecay === undefined) return;
    const mean = graph.input(stateName(emaName(name)), 'float32', value.shape);
    const next = graph.inScope('ema', () => averaged(mean, value, this.#step!, emaDecay));
    graph.output(nextName(emaName(name)), next);
  }

  /** The gradients behind the chain of transforms. */
  #transformed(
    graph: Graph,
    sums: ReadonlyMap<string, Value>,
    parameters: ReadonlyMap<string, Value>,
    step: Value,
  ): ReadonlyMap<string, Value> {
    const named = (prefix: string): Map<string, Value> =>
      new Map(
        [...sums].flatMap(([name, value]) =>
          name.startsWith(prefix) ? [[name.slice(prefix.length), value] as const] : [],
        ),
      );
    let gradients: ReadonlyMap<string, Value> = named('gradient/');
    const shapes = new Map([...gradients.keys()].map((name) => [name, parameters.get(name)!.shape]));
    this.#transforms.forEach((transform, i) => {
      const own = (name: string): string => `${transform.name}/${name}`;
      const state = new Map(
        Object.entries(transform.state?.(shapes) ?? {}).map(([name, shape]) => [
          name,
          graph.input(stateName(own(name)), 'float32', shape),
        ]),
      );
      const result = graph.inScope(transform.name, () =>
        transform.apply(gradients, { statistics: named(`statistic/${i}/`), state, step }),
      );
      for (const [name, value] of gradients) {
        if (result.gradients.get(name)?.shape.join() !== value.shape.join())
          throw new GraphError(`the transform ${transform.name} gives no gradient for "${name}"`);
      }
      for (const [name, value] of state) graph.output(nextName(own(name)), result.state?.get(name) ?? value);
      gradients = result.gradients;
    });
    return gradients;
  }
}
