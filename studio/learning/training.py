"""Fit a network to data: the one loop over mini-batches, with everything that keeps it honest.

    network = Perceptron(inputs=64, hidden=(64,), outputs=10).build()
    for report in fit(network, data, Plan(epochs=20, validation_share=0.2, metrics=("accuracy",), patience=3)):
        print(report.figures)

`fit` is a generator over `descend`. It may be paused at any report and closed at any report; `report.state()`
holds what it takes to go on from there later, in another process, to the same weights as if nothing had
happened.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Annotated, Any, Literal

import torch
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from torch import Tensor, nn

from studio.errors import Missing, Refused
from studio.learning.backprop import Backprop
from studio.learning.costs import COSTS, METRICS, CostName, MetricName, shape_in_words
from studio.learning.datasets import Batch, Data, Given, Sequences, as_data
from studio.learning.descent import Ending, Schedule, Slope, Step, descend
from studio.learning.networks import Network
from studio.learning.rules import Adagrad, Adam, GradientDescent, Momentum, Remembering, RMSprop

OptimiserName = Literal["sgd", "adam", "adamw", "rmsprop", "adagrad"]
ScheduleName = Literal["constant", "linear", "cosine", "steps", "stall"]
DeviceName = Literal["auto", "cpu", "cuda", "mps"]


class Plan(BaseModel):
    """How to fit: every setting of a training. Raises pydantic's ValidationError; `Plan.of` says it in a
    sentence instead.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    cost: CostName = "cross-entropy"
    metrics: tuple[MetricName, ...] = ()
    optimiser: OptimiserName = "adam"
    rate: float = Field(default=0.001, ge=0, le=1000, description="learning rate")
    momentum: float = Field(default=0.0, ge=0, lt=1, description="for sgd and rmsprop")
    weight_decay: float = Field(
        default=0.0,
        ge=0,
        le=10,
        description="the optimiser's own; decoupled from the gradient with adamw alone",
    )
    l1: float = Field(
        default=0.0, ge=0, le=100, description="adds l1 * Σ|w| to the cost; biases are left out"
    )
    l2: float = Field(
        default=0.0, ge=0, le=100, description="adds l2 * ½ Σw² to the cost; biases are left out"
    )
    epochs: int = Field(default=10, ge=1, le=1_000_000)
    batch: int = Field(default=32, ge=1, le=1_000_000)
    shuffle: bool = True
    group_by_length: bool = Field(
        default=False, description="where shuffled, sequences of like length share a batch"
    )
    seed: int = Field(default=0, ge=0, le=2**31 - 1, description="of the shuffling, the split, and dropout")
    validation_share: float = Field(
        default=0.0, ge=0, lt=1, description="held out of the data when no validation data is given"
    )
    patience: int | None = Field(
        default=None, ge=1, description="epochs without improvement after which to stop early"
    )
    tolerance: float = Field(
        default=0.0, ge=0, description="how much lower a loss must be to count as an improvement"
    )
    longest_gradient: float | None = Field(
        default=None, gt=0, description="clip the gradient to this Euclidean length"
    )
    schedule: ScheduleName = "constant"
    warmup: int = Field(default=0, ge=0, description="steps over which the rate rises to its full size")
    decay: float = Field(default=0.1, gt=0, le=1, description="factor of the schedules 'steps' and 'stall'")
    decay_every: int = Field(
        default=10,
        ge=1,
        description="epochs between the steps of 'steps'; epochs without improvement for 'stall'",
    )
    device: DeviceName = "auto"

    @classmethod
    def of(cls, **settings: Any) -> Plan:
        """A plan from loose settings. Raises `Refused`, naming the first that is wrong."""
        try:
            return cls(**settings)
        except ValidationError as error:
            first = error.errors()[0]
            place = ".".join(str(part) for part in first["loc"])
            said = first["msg"].rstrip(".")
            if first["type"] == "extra_forbidden":
                raise Refused(
                    f"A training has no setting '{place}'; it has {', '.join(cls.model_fields)}."
                ) from None
            raise Refused(
                f"The setting '{place}' is {first['input']!r}: {said[:1].lower()}{said[1:]}."
            ) from None


class Figures(BaseModel):
    """One epoch in numbers.

    loss: mean over the epoch's training batches, each before its step, without penalties; metrics likewise.
    validation_loss, validation: the same on data that was not trained on, after the epoch; None and empty
    without any.
    rate: factor on the learning rate at its last step. best: whether this was the best epoch so far.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", ser_json_inf_nan="constants")

    epoch: int
    steps: int
    loss: float
    metrics: dict[str, float]
    validation_loss: float | None
    validation: dict[str, float]
    rate: float
    best: bool

    @property
    def watched(self) -> float:
        """What early stopping looks at: the validation loss, or without any the training loss."""
        return self.loss if self.validation_loss is None else self.validation_loss


class Standing(BaseModel):
    """Where a training stands, apart from its tensors."""

    model_config = ConfigDict(frozen=True, extra="forbid", ser_json_inf_nan="constants")

    plan: Plan
    examples: int
    step: int
    epoch: Annotated[int, Field(ge=1)]
    batch: int
    loss_sum: float
    places: int
    metric_sums: dict[str, float]
    history: tuple[Figures, ...]


@dataclass(frozen=True)
class TrainingState:
    """All it takes to go on: weights, the best weights so far, the optimiser's memory, the dice, and where it
    stands.

    tensors: "weights/…", "best/…", "optimiser/<number of the parameter>/…", "dice/…", copies on the CPU.
    See `checkpoints.save_training`.
    """

    standing: Standing
    tensors: dict[str, Tensor]


class Report:
    """How the fitting stands after a step.

    step: steps taken in all, from 1; epoch: the one this step belongs to, from 1; loss: at this step's batch,
    before the step and without penalties; figures: of the epoch, where this step ended one; ending: None
    unless this was the last step.
    """

    __slots__ = ("_fitting", "_step", "ending", "epoch", "figures", "loss", "step")

    def __init__(
        self, fitting: _Fitting, step: Step, loss: float, figures: Figures | None, ending: Ending | None
    ) -> None:
        self._fitting, self._step = fitting, step
        self.step, self.epoch = fitting.step, fitting.epoch
        self.loss, self.figures, self.ending = loss, figures, ending

    @property
    def gradient(self) -> float:
        """Euclidean length of the gradient; only until the next report is asked for."""
        return self._step.gradient

    def state(self) -> TrainingState:
        """All it takes to go on from here; only until the next report is asked for.

        With an `ending`: as it stood before the best weights were put back, and after a divergence the last
        good weights.
        """
        assert self._fitting.step == self.step, "a report gives its state only until the next one"
        return self._fitting.state()


@dataclass(frozen=True)
class Fitted:
    """What came of it. best: the figures of the epoch whose weights the network was given back, None where it
    kept its last ones.
    """

    ending: Ending
    history: tuple[Figures, ...]
    steps: int
    best: Figures | None


def fit(
    network: nn.Module,
    data: Given,
    plan: Plan,
    *,
    validation: Given | None = None,
    every_step: bool = False,
    resume: TrainingState | None = None,
    stop: Callable[[], bool] | None = None,
) -> Generator[Report, None, Fitted]:
    """Fit the network, in place, yielding a report after every epoch, or with `every_step` after every step.

    data, validation: see `datasets.as_data`; without `validation`, the plan's `validation_share` is held out
    of the data.
    resume: a state to go on from. With the same data and plan the weights come out bit for bit as if it had
    never been interrupted. Another
        rate, more epochs or other settings hold from here on; with other data, batch size or seed the interrupted epoch begins anew, with
        another optimiser its memory.
    stop: asked before every step; True ends it where it stands, as closing the generator does.

    With validation data the network ends with the weights of its best epoch, whether it took all its epochs,
    stopped early or diverged. Without, it ends with its last weights, after a divergence with the last good
    ones. It is left on the plan's device, in evaluation mode. Neither shuffling nor dropout depends on the
    caller's dice or disturbs them: they are changed over whenever a report is handed out.
    Raises `Refused` where network, data and cost do not fit together, `Missing` for a device this machine has
    not.
    """
    fitting = _Fitting(
        network, as_data(data), plan, None if validation is None else as_data(validation), resume
    )
    dice = fitting.dice
    dice.take()
    try:
        descent = descend(
            fitting.weights,
            fitting.measure,
            fitting.rule,
            steps=fitting.steps_to_go,
            schedule=fitting.schedule,
            longest_gradient=plan.longest_gradient,
            stop=stop,
        )
        ending: Ending | None = None
        while ending is None:
            try:
                step = next(descent)
            except StopIteration as end:
                ending = fitting.without_a_step(end.value)
                break
            loss, figures, ending = fitting.after(step)
            if every_step or figures is not None or ending is not None:
                report = Report(fitting, step, loss, figures, ending)
                dice.give_back()
                yield report
                dice.take()
        descent.close()
        return Fitted(ending, tuple(fitting.history), fitting.step, fitting.restored)
    finally:
        dice.give_back()
        network.eval()


@dataclass(frozen=True)
class Evaluation:
    """loss: mean cost over all places; metrics: by name."""

    loss: float
    metrics: dict[str, float]


@torch.no_grad()
def evaluate(
    network: nn.Module,
    data: Given,
    cost: CostName = "cross-entropy",
    metrics: Sequence[MetricName] = (),
    *,
    batch: int = 256,
) -> Evaluation:
    """How good the network is on this data, in evaluation mode; the mode it was in is put back."""
    device = next((weight.device for weight in network.parameters()), torch.device("cpu"))
    was_training = network.training
    network.eval()
    loss, places = 0.0, 0
    sums = dict.fromkeys(metrics, 0.0)
    try:
        for some in as_data(data).batches(batch, device=device):
            outputs, targets = _counted(network(some.inputs), some)
            loss += COSTS[cost].mean(outputs, targets).item() * some.places
            for name in metrics:
                sums[name] += METRICS[name].mean(outputs, targets).item() * some.places
            places += some.places
    finally:
        network.train(was_training)
    return Evaluation(loss / max(places, 1), {name: total / max(places, 1) for name, total in sums.items()})


def device_of(name: DeviceName) -> torch.device:
    """The device of that name; "auto" takes the fastest there is. Raises `Missing` for one this machine has
    not.
    """
    there: dict[DeviceName, Callable[[], bool]] = {
        "cuda": torch.cuda.is_available,
        "mps": torch.backends.mps.is_available,
        "cpu": lambda: True,
    }
    if name == "auto":
        return torch.device(next(device for device, is_there in there.items() if is_there()))
    if not there[name]():
        raise Missing(f"This machine has no {name} device that torch can use; choose 'auto' or 'cpu'.")
    return torch.device(name)


def _counted(outputs: Tensor, batch: Batch) -> tuple[Tensor, Tensor]:
    """Only what the mask says counts: what stands in the padding reaches neither cost nor metric."""
    if batch.mask is None:
        return outputs, batch.targets
    return outputs[batch.mask], batch.targets[batch.mask]


# Optimisers and schedules


def _rule(plan: Plan) -> GradientDescent | Momentum | Adam | RMSprop | Adagrad:
    match plan.optimiser:
        case "sgd" if not plan.momentum:
            return GradientDescent(plan.rate, plan.weight_decay)
        case "sgd":
            return Momentum(plan.rate, plan.momentum, weight_decay=plan.weight_decay)
        case "adam" | "adamw":
            return Adam(plan.rate, weight_decay=plan.weight_decay, decoupled=plan.optimiser == "adamw")
        case "rmsprop":
            return RMSprop(plan.rate, plan.momentum, weight_decay=plan.weight_decay)
        case "adagrad":
            return Adagrad(plan.rate, weight_decay=plan.weight_decay)


def _stalls(plan: Plan, history: Sequence[Figures]) -> int:
    """How often the watched loss has stalled for `decay_every` epochs: told by the history alone, so that a
    resumed training agrees.
    """
    best, since, stalls = math.inf, 0, 0
    for figures in history:
        if figures.watched < best - plan.tolerance:
            best, since = figures.watched, 0
        else:
            since += 1
        if since == plan.decay_every:
            stalls, since = stalls + 1, 0
    return stalls


class _Fitting:
    """A training under way: what it counts, and what it takes to put it down and take it up again."""

    def __init__(
        self,
        network: nn.Module,
        data: Data,
        plan: Plan,
        validation: Data | None,
        resume: TrainingState | None,
    ) -> None:
        if validation is None and plan.validation_share:
            data, validation = data.split(plan.validation_share, plan.seed)
        self.network, self.data, self.plan, self.validation = network, data, plan, validation
        self.device = device_of(plan.device)
        network.to(self.device)
        self.weights = [weight for weight in network.parameters() if weight.requires_grad]
        if not self.weights:
            raise Refused("The network has no weights that may change; give it a layer to train.")
        self.penalised = [weight for weight in self.weights if weight.ndim > 1]
        self.cost = COSTS[plan.cost].mean
        self.backprop = Backprop.of(network, plan.cost)
        self.has_penalty = plan.l1 > 0 or plan.l2 > 0
        self.rule = _rule(plan)
        self.dice = _Dice(plan.seed, self.device, rolled=_rolls_dice(network))
        self.per_epoch = data.batch_count(plan.batch)

        self.step, self.epoch, self.batch = 0, 1, 0
        self.loss_sum, self.places = 0.0, 0
        self.metric_sums: dict[str, Tensor] = {}
        self.history: list[Figures] = []
        self.best_weights: dict[str, Tensor] = {}
        self.restored: Figures | None = None
        self.state_at_end: TrainingState | None = None
        if resume is not None:
            self._take_up(resume)
        self.steps_before = self.step
        self.stalls = _stalls(plan, self.history)
        self.epoch_buffers = _copies(network.buffers())
        self.now: Batch
        self.cost_now: Tensor
        self.batches = self._batches()

    @property
    def steps_to_go(self) -> int:
        return max(0, (self.plan.epochs - self.epoch + 1) * self.per_epoch - self.batch)

    @property
    def schedule(self) -> Schedule | None:
        if self.plan.schedule == "constant" and not self.plan.warmup:
            return None
        return lambda number: self._factor(self.steps_before + number)

    def measure(self) -> Tensor | Slope:
        """The cost of the next batch, with penalties; where the chain rule is written out for this network,
        with its gradients.
        """
        if self.batch == self.per_epoch:
            self._begin_epoch()
        network, batch = self.network, next(self.batches)
        if not network.training:
            network.train()
        backprop = self.backprop if batch.mask is None and batch.inputs.ndim == 2 else None
        try:
            outputs = network(batch.inputs) if backprop is None else backprop.forwards(batch.inputs)
        except (RuntimeError, IndexError) as error:
            if self.step > self.steps_before:
                raise
            said = str(error).split("\n", 1)[0]
            raise Refused(
                f"The network cannot take inputs of {shape_in_words(batch.inputs)} ({said}); build it for this data."
            ) from error
        outputs, targets = _counted(outputs, batch)
        cost = self.cost(outputs, targets)
        self.now, self.cost_now = batch, cost
        if self.plan.metrics:
            self._count_metrics(outputs.detach(), targets, batch.places)
        if backprop is not None:
            loss, gradients = cost.item(), backprop.backwards(targets)
            return self._with_penalty(loss, gradients) if self.has_penalty else Slope(loss, gradients)
        return cost + self._penalty() if self.has_penalty else cost

    def after(self, step: Step) -> tuple[float, Figures | None, Ending | None]:
        """Count a step that was taken: the loss without penalties, the figures where it ended an epoch, and
        how it ended if it did.
        """
        loss = self.cost_now.item() if self.has_penalty else step.loss
        self.step += 1
        if step.ending is not None and step.ending.kind == "diverged":
            for buffer, kept in zip(self.network.buffers(), self.epoch_buffers, strict=True):
                buffer.copy_(kept)
            return loss, None, self._with_best_weights(step.ending)
        self.loss_sum += loss * self.now.places
        self.places += self.now.places
        self.batch += 1
        if self.batch < self.per_epoch:
            return loss, None, step.ending
        figures = self._end_of_epoch()
        ending = step.ending and Ending("done", f"Took all {self.plan.epochs} epochs.")
        if ending is None and self.plan.patience is not None:
            best = max((earlier.epoch for earlier in self.history if earlier.best), default=0)
            if figures.epoch - best >= self.plan.patience:
                watched = "training" if self.validation is None else "validation"
                ending = Ending(
                    "plateau",
                    f"The {watched} loss has not improved for {self.plan.patience} epochs (best in epoch {best}).",
                )
        return loss, figures, ending and self._with_best_weights(ending)

    def without_a_step(self, ending: Ending) -> Ending:
        """How it ended when there was no further step: stopped, where it stands; or a training resumed that
        had taken all its epochs.
        """
        return self._with_best_weights(ending) if ending.kind == "done" else ending

    def state(self) -> TrainingState:
        if self.state_at_end is not None:
            return self.state_at_end
        tensors = {f"weights/{name}": tensor for name, tensor in self.network.state_dict().items()}
        tensors |= {f"best/{name}": tensor for name, tensor in self.best_weights.items()}
        if isinstance(self.rule, Remembering):
            for number, memory in self.rule.state().items():
                tensors |= {f"optimiser/{number}/{name}": part for name, part in memory.items()}
        tensors |= {f"dice/{name}": dice for name, dice in self.dice.ours.items()}
        standing = Standing(
            plan=self.plan,
            examples=len(self.data),
            step=self.step,
            epoch=self.epoch,
            batch=self.batch,
            loss_sum=self.loss_sum,
            places=self.places,
            metric_sums={name: total.item() for name, total in self.metric_sums.items()},
            history=tuple(self.history),
        )
        return TrainingState(
            standing, {name: tensor.detach().to("cpu", copy=True) for name, tensor in tensors.items()}
        )

    def _take_up(self, state: TrainingState) -> None:
        was = state.standing
        try:
            self.network.load_state_dict(_under(state, "weights/"))
        except RuntimeError:
            raise Refused(
                "This training state belongs to a network of another shape; build the one it was saved from."
            ) from None
        self.best_weights = {name: tensor.to(self.device) for name, tensor in _under(state, "best/").items()}
        self._take_up_memory(state)
        for name, dice in _under(state, "dice/").items():
            if (
                name in self.dice.ours and dice.shape == self.dice.ours[name].shape
            ):  # another kind of device starts its own afresh
                self.dice.ours[name] = dice
        self.step, self.epoch, self.history = was.step, was.epoch, list(was.history)
        if was.batch == self.per_epoch:
            self.epoch += 1
        elif (was.examples, *_order_of(was.plan)) == (len(self.data), *_order_of(self.plan)):
            self.batch, self.loss_sum, self.places = was.batch, was.loss_sum, was.places
            self.metric_sums = {
                name: torch.tensor(total, dtype=torch.float64)
                for name, total in was.metric_sums.items()
                if name in self.plan.metrics
            }

    def _take_up_memory(self, state: TrainingState) -> None:
        rule, was = self.rule, state.standing.plan
        if not isinstance(rule, Remembering) or was.optimiser != self.plan.optimiser:
            return
        memory: dict[int, dict[str, Tensor]] = {}
        for place, tensor in _under(state, "optimiser/").items():
            number, name = place.split("/", 1)
            fits = int(number) < len(self.weights) and tensor.shape == (
                () if name == "step" else self.weights[int(number)].shape
            )
            if not fits or not bool(tensor.isfinite().all()):
                raise Refused(
                    "This training state belongs to an optimiser of another network; start without it."
                )
            memory.setdefault(int(number), {})[name] = tensor
        rule.take_up(memory, self.weights)

    def _batches(self) -> Iterator[Batch]:
        """Batches without end, from where the training stands. The order of an epoch depends on the seed and
        its number alone.
        """
        epoch, skip = self.epoch, self.batch
        while True:
            order = None
            if self.plan.shuffle:
                dice = torch.Generator().manual_seed(self.plan.seed * 1_000_003 + epoch)
                if self.plan.group_by_length and isinstance(self.data, Sequences):
                    order = self.data.by_length(self.plan.batch, dice)
                else:
                    order = torch.randperm(len(self.data), generator=dice)
            yield from islice(self.data.batches(self.plan.batch, order, self.device), skip, None)
            epoch, skip = epoch + 1, 0

    def _begin_epoch(self) -> None:
        self.epoch, self.batch = self.epoch + 1, 0
        self.loss_sum, self.places = 0.0, 0
        self.metric_sums.clear()

    def _penalty(self) -> Tensor:
        penalty = torch.zeros((), device=self.device)
        if self.plan.l1:
            penalty = (
                penalty + self.plan.l1 * torch.stack([weight.abs().sum() for weight in self.penalised]).sum()
            )
        if self.plan.l2:
            penalty = (
                penalty
                + 0.5 * self.plan.l2 * torch.stack([weight.square().sum() for weight in self.penalised]).sum()
            )
        return penalty

    @torch.no_grad()
    def _with_penalty(self, loss: float, gradients: list[Tensor]) -> Slope:
        """The penalty by its closed form: l1 pulls every weight by as much, l2 the more the larger it is."""
        for weight, gradient in zip(self.weights, gradients, strict=True):
            if weight.ndim > 1 and self.plan.l1:
                gradient.add_(weight.sign(), alpha=self.plan.l1)
            if weight.ndim > 1 and self.plan.l2:
                gradient.add_(weight, alpha=self.plan.l2)
        return Slope(loss + self._penalty().item(), gradients)

    @torch.no_grad()
    def _count_metrics(self, outputs: Tensor, targets: Tensor, places: int) -> None:
        for name in self.plan.metrics:
            part = METRICS[name].mean(outputs, targets).to("cpu", torch.float64) * places
            self.metric_sums[name] = self.metric_sums.get(name, torch.zeros((), dtype=torch.float64)) + part

    def _factor(self, number: int) -> float:
        plan, whole = self.plan, self.plan.epochs * self.per_epoch
        factor = min(1.0, number / (plan.warmup + 1)) if plan.warmup else 1.0
        match plan.schedule:
            case "linear":
                factor *= max(0.0, 1 - (number - 1) / whole)
            case "cosine":  # Loshchilov and Hutter (2017), without restarts
                factor *= 0.5 * (1 + math.cos(math.pi * min(1.0, (number - 1) / whole)))
            case "steps":
                factor *= plan.decay ** ((self.epoch - 1) // plan.decay_every)
            case "stall":
                factor *= plan.decay**self.stalls
        return factor

    def _end_of_epoch(self) -> Figures:
        plan = self.plan
        validated = None
        if self.validation is not None:
            validated = evaluate(
                self.network, self.validation, plan.cost, plan.metrics, batch=max(plan.batch, 128)
            )
        figures = Figures(
            epoch=self.epoch,
            steps=self.step,
            loss=self.loss_sum / max(self.places, 1),
            metrics={name: total.item() / max(self.places, 1) for name, total in self.metric_sums.items()},
            validation_loss=None if validated is None else validated.loss,
            validation={} if validated is None else validated.metrics,
            rate=self._factor(self.step),
            best=False,
        )
        best = min((earlier.watched for earlier in self.history if earlier.best), default=math.inf)
        if figures.watched < best - plan.tolerance:
            figures = figures.model_copy(update={"best": True})
            if self.validation is not None:
                self.best_weights = {
                    name: tensor.detach().clone() for name, tensor in self.network.state_dict().items()
                }
        self.history.append(figures)
        self.epoch_buffers = _copies(self.network.buffers())
        self.stalls = _stalls(plan, self.history)
        return figures

    def _with_best_weights(self, ending: Ending) -> Ending:
        if not self.best_weights:
            return ending
        self.dice.pause()
        self.state_at_end = self.state()
        self.network.load_state_dict(self.best_weights)
        self.restored = max(
            (figures for figures in self.history if figures.best), key=lambda figures: figures.epoch
        )
        return Ending(
            ending.kind,
            f"{ending.sentence} The weights of epoch {self.restored.epoch}, the best, were put back.",
        )


class _Dice:
    """Torch's random numbers, for dropout: the training's own while it works, the caller's whenever it hands
    something out.

    rolled: False where the network is known to need none, which saves changing them over at every report.
    """

    def __init__(self, seed: int, device: torch.device, *, rolled: bool) -> None:
        self.rolled = rolled
        self.on_device = torch.get_device_module(device) if device.type != "cpu" else None
        self.theirs: dict[str, Tensor] | None = None
        before = self._now()
        torch.default_generator.manual_seed(seed)
        if self.on_device is not None:
            self.on_device.manual_seed(seed)
        self.ours = self._now()
        self._set(before)

    def take(self) -> None:
        if not self.rolled:
            return
        self.theirs = self._now()
        self._set(self.ours)

    def pause(self) -> None:
        """Remember how the training's own stand now."""
        if self.theirs is not None:
            self.ours = self._now()

    def give_back(self) -> None:
        if self.theirs is not None:
            self.pause()
            self._set(self.theirs)
            self.theirs = None

    def _now(self) -> dict[str, Tensor]:
        now = {"cpu": torch.default_generator.get_state()}
        if self.on_device is not None:
            now["device"] = self.on_device.get_rng_state()
        return now

    def _set(self, dice: dict[str, Tensor]) -> None:
        torch.default_generator.set_state(dice["cpu"])
        if self.on_device is not None:
            self.on_device.set_rng_state(dice["device"])


def _rolls_dice(network: nn.Module) -> bool:
    """Whether training it needs random numbers. Networks of ours need them for dropout alone; a stranger's
    may for anything.
    """
    if not isinstance(network, Network):
        return True
    return any(
        (isinstance(layer, nn.Dropout) and layer.p > 0)
        or (isinstance(layer, nn.RNNBase) and layer.dropout > 0)
        for layer in network.modules()
    )


def _order_of(plan: Plan) -> tuple[object, ...]:
    """What decides which examples a batch holds."""
    return plan.batch, plan.seed, plan.shuffle, plan.group_by_length


def _copies(tensors: Iterator[Tensor]) -> list[Tensor]:
    return [tensor.detach().clone() for tensor in tensors]


def _under(state: TrainingState, prefix: str) -> dict[str, Tensor]:
    return {
        name.removeprefix(prefix): tensor for name, tensor in state.tensors.items() if name.startswith(prefix)
    }
