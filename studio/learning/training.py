"""Fit a network to data: the one loop over mini-batches, with validation, early stopping and resuming.

    network = Perceptron(inputs=64, hidden=(64,), outputs=10).build()
    for report in fit(network, data, Plan(epochs=20, validation_share=0.2, patience=3)):
        print(report.figures)

`fit` is a generator over `descend`. It can be paused or closed at any report. `report.state()` holds all that
is needed to continue later, even in another process, to exactly the weights of an uninterrupted training.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from itertools import islice
from typing import Annotated, Any, Literal

import torch
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator
from torch import Tensor, nn

from studio.errors import Missing, Refused
from studio.learning.backprop import Backprop
from studio.learning.costs import COSTS, METRICS, CostName, MetricName, shape_in_words
from studio.learning.datasets import Batch, Data, Given, Sequences, as_data
from studio.learning.descent import DescentOptions, Ending, Schedule, Slope, Step, descend
from studio.learning.networks import Network
from studio.learning.rules import Adagrad, Adam, GradientDescent, Momentum, RMSprop, StatefulRule

OptimiserName = Literal["sgd", "adam", "adamw", "rmsprop", "adagrad"]
ScheduleName = Literal["constant", "linear", "cosine", "steps", "stall"]
DeviceName = Literal["auto", "cpu", "cuda", "mps"]


class Plan(BaseModel):
    """Every setting of a training. Raises pydantic's ValidationError; `Plan.of` raises a one-sentence
    `Refused` instead.
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
        description="the optimiser's weight decay; decoupled from the gradient with adamw only",
    )
    l1: float = Field(default=0.0, ge=0, le=100, description="adds l1 * Σ|w| to the cost, without the biases")
    l2: float = Field(
        default=0.0, ge=0, le=100, description="adds l2 * ½ Σw² to the cost, without the biases"
    )
    epochs: int = Field(default=10, ge=1, le=1_000_000)
    batch: int = Field(default=32, ge=1, le=1_000_000)
    shuffle: bool = True
    group_by_length: bool = Field(
        default=False, description="when shuffling, put sequences of similar length into one batch"
    )
    seed: int = Field(
        default=0, ge=0, le=2**31 - 1, description="of shuffling, the validation split and dropout"
    )
    validation_share: float = Field(
        default=0.0, ge=0, lt=1, description="share of the data to hold out if no validation data is given"
    )
    patience: int | None = Field(
        default=None, ge=1, description="stop early after so many epochs without improvement"
    )
    tolerance: float = Field(
        default=0.0, ge=0, description="how much lower a loss must be to count as an improvement"
    )
    max_norm: float | None = Field(
        default=None, gt=0, description="clip the gradient to this Euclidean length"
    )
    schedule: ScheduleName = "constant"
    warmup: int = Field(default=0, ge=0, description="steps over which the rate rises to its full value")
    decay: float = Field(default=0.1, gt=0, le=1, description="factor of the schedules 'steps' and 'stall'")
    decay_every: int = Field(
        default=10,
        ge=1,
        description="epochs between two decays for 'steps'; epochs without improvement for 'stall'",
    )
    device: DeviceName = "auto"

    @model_validator(mode="before")
    @classmethod
    def _old_names(cls, settings: Any) -> Any:
        """Trainings that were saved up to 0.2.1 call max_norm longest_gradient."""
        if isinstance(settings, dict) and "longest_gradient" in settings:
            settings = dict(settings)
            settings["max_norm"] = settings.pop("longest_gradient")
        return settings

    @classmethod
    def of(cls, **settings: Any) -> Plan:
        """A plan from keyword arguments. Raises `Refused`, naming the first setting that is wrong."""
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

    loss, metrics: mean over the epoch's training batches, each measured before its step, without penalties.
    validation_loss, validation: the same on the validation data, after the epoch; None and empty without any.
    rate: factor on the learning rate at the last step. best: whether this is the best epoch so far.
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
        """The loss that early stopping watches: validation if there is any, otherwise training."""
        return self.loss if self.validation_loss is None else self.validation_loss


class Standing(BaseModel):
    """The progress of a training, apart from its tensors."""

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
    """All that is needed to continue a training: its progress, the weights, the best weights so far, the
    optimiser's state and the random generators' states.

    tensors: "weights/…", "best/…", "optimiser/<number of the parameter>/…", "generator/…" ("dice/…" in
    trainings saved up to 0.2.1), copies on the CPU. See `checkpoints.save_training`.
    """

    standing: Standing
    tensors: dict[str, Tensor]


class Report:
    """The state of a fit after a step.

    step: steps taken so far, from 1; epoch: the one this step belongs to, from 1; loss: on this step's batch,
    before the step and without penalties; figures: of the epoch, if this step completed one; ending: None
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
        """Euclidean length of the gradient; only until the next report."""
        return self._step.gradient

    def state(self) -> TrainingState:
        """All that is needed to continue from here; only until the next report.

        With an `ending`, this is the state before the best weights were restored; after a divergence, it
        holds the last good weights.
        """
        assert self._fitting.step == self.step, "a report gives its state only until the next one"
        return self._fitting.state()


@dataclass(frozen=True)
class Fitted:
    """The result of a fit. best: the figures of the epoch whose weights were restored; None if the network
    kept its last weights.
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
) -> Generator[Report, None, Fitted]:
    """Fit the network, in place, yielding a report after every epoch, or after every step with `every_step`.

    data, validation: see `datasets.as_data`. Without `validation`, the plan's `validation_share` is held out
    of the data.
    resume: a state to continue from. With the same data and plan, the weights come out bit for bit as if the
    training had never been interrupted. A changed rate, number of epochs or other setting applies from here
    on; with other data, another batch size or seed, the interrupted epoch starts over; another optimiser
    starts with an empty state.

    To stop early, close the generator: the network keeps its weights.

    With validation data, the network ends with the weights of its best epoch, whether it took all its epochs,
    stopped early or diverged. Without, it ends with its last weights, or after a divergence with the last
    good ones. It is left on the plan's device, in evaluation mode. Shuffling and dropout have their own
    random generators: they neither depend on the caller's nor disturb them.
    Raises `Refused` if network, data and cost do not fit together, `Missing` for a device that this machine
    does not have.
    """
    held_out = None if validation is None else as_data(validation)
    fitting = _Fitting(network, as_data(data), plan, held_out, resume)
    randomness = fitting.randomness
    randomness.take()
    try:
        ending: Ending | None = None
        with closing(fitting.descent()) as descent:
            for step in descent:
                loss, figures, ending = fitting.after(step)
                if every_step or figures is not None or ending is not None:
                    report = Report(fitting, step, loss, figures, ending)
                    randomness.give_back()
                    yield report
                    randomness.take()
                if ending is not None:
                    break
        if ending is None:  # a training that had already taken all its epochs
            ending = fitting.with_best_weights(Ending("done", "Took no step."))
        return Fitted(ending, tuple(fitting.history), fitting.step, fitting.restored)
    finally:
        randomness.give_back()
        network.eval()


@dataclass(frozen=True)
class Evaluation:
    """loss: mean cost over all targets; metrics: by name."""

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
    """Loss and metrics on this data, in evaluation mode; the network's own mode is restored afterwards."""
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
    """The device of that name; "auto" is the fastest available. Raises `Missing` for one that this machine
    does not have.
    """
    available: dict[DeviceName, Callable[[], bool]] = {
        "cuda": torch.cuda.is_available,
        "mps": torch.backends.mps.is_available,
        "cpu": lambda: True,
    }
    if name == "auto":
        return torch.device(next(device for device, is_available in available.items() if is_available()))
    if not available[name]():
        raise Missing(f"This machine has no {name} device that torch can use; choose 'auto' or 'cpu'.")
    return torch.device(name)


def _counted(outputs: Tensor, batch: Batch) -> tuple[Tensor, Tensor]:
    """Only the targets that count: padding reaches neither cost nor metric."""
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
    """How often the watched loss has stalled for `decay_every` epochs. Computed from the history alone, so
    that a resumed training agrees.
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
    """A training in progress: what it counts, and how its state is saved and restored."""

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
        self.randomness = _Randomness(plan.seed, self.device, used=_is_random(network))
        self.per_epoch = data.batch_count(plan.batch)

        self.step, self.epoch, self.batch = 0, 1, 0
        self.loss_sum, self.places = 0.0, 0
        self.metric_sums: dict[str, Tensor] = {}
        self.history: list[Figures] = []
        self.best_weights: dict[str, Tensor] = {}
        self.restored: Figures | None = None
        self.state_at_end: TrainingState | None = None
        if resume is not None:
            self._load_state(resume)
        self.steps_before = self.step
        self.stalls = _stalls(plan, self.history)
        self.epoch_buffers = _copies(network.buffers())
        self.now: Batch
        self.cost_now: Tensor
        self.batches = self._batches()

    @property
    def steps_left(self) -> int:
        return max(0, (self.plan.epochs - self.epoch + 1) * self.per_epoch - self.batch)

    @property
    def schedule(self) -> Schedule | None:
        if self.plan.schedule == "constant" and not self.plan.warmup:
            return None
        return lambda number: self._factor(self.steps_before + number)

    def descent(self) -> Generator[Step, None, Ending]:
        return descend(
            self.weights,
            self.measure,
            self.rule,
            steps=self.steps_left,
            schedule=self.schedule,
            options=DescentOptions(max_norm=self.plan.max_norm),
        )

    def measure(self) -> Tensor | Slope:
        """The cost of the next batch, with penalties; together with its gradients if `Backprop` knows this
        network.
        """
        if self.batch == self.per_epoch:
            self._begin_epoch()
        network, batch = self.network, next(self.batches)
        if not network.training:
            network.train()
        backprop = self.backprop if batch.mask is None and batch.inputs.ndim == 2 else None
        try:
            outputs = network(batch.inputs) if backprop is None else backprop.forward(batch.inputs)
        except (RuntimeError, IndexError) as error:
            if self.step > self.steps_before:
                raise
            said = str(error).split("\n", 1)[0]
            raise Refused(
                f"The network cannot take inputs of {shape_in_words(batch.inputs)} "
                f"({said}); build it for this data."
            ) from error
        outputs, targets = _counted(outputs, batch)
        cost = self.cost(outputs, targets)
        self.now, self.cost_now = batch, cost
        if self.plan.metrics:
            self._count_metrics(outputs.detach(), targets, batch.places)
        if backprop is not None:
            loss, gradients = cost.item(), backprop.backward(targets)
            return self._with_penalty(loss, gradients) if self.has_penalty else Slope(loss, gradients)
        return cost + self._penalty() if self.has_penalty else cost

    def after(self, step: Step) -> tuple[float, Figures | None, Ending | None]:
        """Count a step that was taken. Returns the loss without penalties, the figures if the step completed
        an epoch, and the ending if it was the last one.
        """
        loss = self.cost_now.item() if self.has_penalty else step.loss
        self.step += 1
        if step.ending is not None and step.ending.kind == "diverged":
            for buffer, kept in zip(self.network.buffers(), self.epoch_buffers, strict=True):
                buffer.copy_(kept)
            return loss, None, self.with_best_weights(step.ending)
        self.loss_sum += loss * self.now.places
        self.places += self.now.places
        self.batch += 1
        if self.batch < self.per_epoch:
            return loss, None, step.ending
        figures = self._end_of_epoch()
        ending = Ending("done", f"Took all {self.plan.epochs} epochs.") if step.ending else self._stalled()
        return loss, figures, ending and self.with_best_weights(ending)

    def _stalled(self) -> Ending | None:
        """The ending of a training whose watched loss has not improved for the plan's `patience`."""
        patience = self.plan.patience
        best = max((figures.epoch for figures in self.history if figures.best), default=0)
        if patience is None or self.epoch - best < patience:
            return None
        watched = "training" if self.validation is None else "validation"
        said = f"The {watched} loss has not improved for {patience} epochs (best in epoch {best})."
        return Ending("plateau", said)

    def state(self) -> TrainingState:
        if self.state_at_end is not None:
            return self.state_at_end
        tensors = {f"weights/{name}": tensor for name, tensor in self.network.state_dict().items()}
        tensors |= {f"best/{name}": tensor for name, tensor in self.best_weights.items()}
        if isinstance(self.rule, StatefulRule):
            for number, carried in self.rule.state().items():
                tensors |= {f"optimiser/{number}/{name}": part for name, part in carried.items()}
        tensors |= {f"generator/{name}": state for name, state in self.randomness.ours.items()}
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

    def _load_state(self, state: TrainingState) -> None:
        was = state.standing
        try:
            self.network.load_state_dict(_under(state, "weights/"))
        except RuntimeError:
            raise Refused(
                "This training state belongs to a network of another shape; build the one it was saved from."
            ) from None
        self.best_weights = {name: tensor.to(self.device) for name, tensor in _under(state, "best/").items()}
        self._load_rule(state)
        ours = self.randomness.ours
        for name, generator in (_under(state, "generator/") or _under(state, "dice/")).items():
            # The generator of another kind of device cannot be continued: that one starts from the seed.
            if name in ours and generator.shape == ours[name].shape:
                ours[name] = generator
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

    def _load_rule(self, state: TrainingState) -> None:
        rule, was = self.rule, state.standing.plan
        if not isinstance(rule, StatefulRule) or was.optimiser != self.plan.optimiser:
            return
        carried: dict[int, dict[str, Tensor]] = {}
        for place, tensor in _under(state, "optimiser/").items():
            number, name = place.split("/", 1)
            fits = int(number) < len(self.weights) and tensor.shape == (
                () if name == "step" else self.weights[int(number)].shape
            )
            if not fits or not bool(tensor.isfinite().all()):
                raise Refused(
                    "The optimiser's state in this training belongs to another network; start without it."
                )
            carried.setdefault(int(number), {})[name] = tensor
        rule.load_state(carried, self.weights)

    def _batches(self) -> Iterator[Batch]:
        """Endless batches, from the current position. The order within an epoch depends only on the seed and
        the epoch's number.
        """
        epoch, skip = self.epoch, self.batch
        while True:
            order = None
            if self.plan.shuffle:
                generator = torch.Generator().manual_seed(self.plan.seed * 1_000_003 + epoch)
                if self.plan.group_by_length and isinstance(self.data, Sequences):
                    order = self.data.by_length(self.plan.batch, generator)
                else:
                    order = torch.randperm(len(self.data), generator=generator)
            yield from islice(self.data.batches(self.plan.batch, order, self.device), skip, None)
            epoch, skip = epoch + 1, 0

    def _begin_epoch(self) -> None:
        self.epoch, self.batch = self.epoch + 1, 0
        self.loss_sum, self.places = 0.0, 0
        self.metric_sums.clear()

    def _penalty(self) -> Tensor:
        penalty, l1, l2 = torch.zeros((), device=self.device), self.plan.l1, self.plan.l2
        if l1:
            penalty = penalty + l1 * torch.stack([weight.abs().sum() for weight in self.penalised]).sum()
        if l2:
            squares = torch.stack([weight.square().sum() for weight in self.penalised])
            penalty = penalty + 0.5 * l2 * squares.sum()
        return penalty

    @torch.no_grad()
    def _with_penalty(self, loss: float, gradients: list[Tensor]) -> Slope:
        """The penalty's gradient in closed form: l1 pulls every weight equally, l2 in proportion to its
        size.
        """
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

    def with_best_weights(self, ending: Ending) -> Ending:
        if not self.best_weights:
            return ending
        self.randomness.pause()
        self.state_at_end = self.state()
        self.network.load_state_dict(self.best_weights)
        self.restored = max(
            (figures for figures in self.history if figures.best), key=lambda figures: figures.epoch
        )
        return Ending(
            ending.kind,
            f"{ending.sentence} The weights of the best epoch, {self.restored.epoch}, were restored.",
        )


class _Randomness:
    """Torch's global random generators, which dropout uses: set to the training's own states while it works,
    and back to the caller's whenever a report is handed out.

    used: False if the network is known to need no random numbers, which saves switching at every report.
    """

    def __init__(self, seed: int, device: torch.device, *, used: bool) -> None:
        self.used = used
        self.on_device = torch.get_device_module(device) if device.type != "cpu" else None
        self.theirs: dict[str, Tensor] | None = None
        before = self._now()
        torch.default_generator.manual_seed(seed)
        if self.on_device is not None:
            self.on_device.manual_seed(seed)
        self.ours = self._now()
        self._set(before)

    def take(self) -> None:
        if not self.used:
            return
        self.theirs = self._now()
        self._set(self.ours)

    def pause(self) -> None:
        """Note the current states of the training's own generators."""
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

    def _set(self, states: dict[str, Tensor]) -> None:
        torch.default_generator.set_state(states["cpu"])
        if self.on_device is not None:
            self.on_device.set_rng_state(states["device"])


def _is_random(network: nn.Module) -> bool:
    """Whether training it uses random numbers. Our networks use them for dropout only; others may for
    anything.
    """
    if not isinstance(network, Network):
        return True
    return any(
        (isinstance(layer, nn.Dropout) and layer.p > 0)
        or (isinstance(layer, nn.RNNBase) and layer.dropout > 0)
        for layer in network.modules()
    )


def _order_of(plan: Plan) -> tuple[object, ...]:
    """The settings that decide which examples go into a batch."""
    return plan.batch, plan.seed, plan.shuffle, plan.group_by_length


def _copies(tensors: Iterator[Tensor]) -> list[Tensor]:
    return [tensor.detach().clone() for tensor in tensors]


def _under(state: TrainingState, prefix: str) -> dict[str, Tensor]:
    return {
        name.removeprefix(prefix): tensor for name, tensor in state.tensors.items() if name.startswith(prefix)
    }
