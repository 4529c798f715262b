"""The parts of a run: each measures one thing and gives its figures beside the targets."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from benchmarks.detection import chain_costs, comparator, corpus, costs, research, seams, tokens_edited
from benchmarks.detection.corpus import Case
from benchmarks.detection.hostile import SHAPES
from benchmarks.detection.scoring import BY_KEY_ONLY, Score, measured
from benchmarks.detection.seams import Redactor, SeamMissingError, Spans, Timer
from benchmarks.detection.secrets_corpus import secret_cases
from benchmarks.detection.verdicts import Verdict, table

BENIGN = 0.002


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What a run measures, and through which seams."""

    seed: int
    rounds: int
    kilobytes: tuple[int, ...]
    shapes: int
    research_file: Path
    ours: Redactor
    timed: Timer
    spans: Spans = seams.spans
    places: bool = False


def redaction(plan: Plan) -> Iterator[Verdict]:
    """Recall, benign leaves changed, schemas and copies, in every variant."""
    wanted: dict[str, float | None] = {"named": 0.99, "meaningless": 0.85, "disguised": 0.9, "prose": None}
    for variant in corpus.VARIANTS:
        cases = list(corpus.cases(plan.seed, plan.rounds, variant))
        yield from _scored(plan, variant, cases, wanted[variant], BENIGN)


def secrets(plan: Plan) -> Iterator[Verdict]:
    yield from _scored(plan, "secrets", list(secret_cases(plan.seed, plan.rounds)), 0.98, 0.001)


def _scored(plan: Plan, part: str, cases: list[Case], recall: float | None, benign: float) -> Iterator[Verdict]:
    try:
        score = measured(cases, plan.ours)
    except SeamMissingError as error:
        print(f"{part}: NOT MEASURED: {error}")
        yield Verdict(part=part, figure="recall", value=None, least=recall if recall is not None else 0.0)
        return
    _entities(part, score, plan.places)
    yield from figures(part, score, recall, benign)


def figures(part: str, score: Score, recall: float | None, benign: float) -> Iterator[Verdict]:
    """Where keys say nothing, what only a key or a model can tell is not asked for; the whole is shown beside it."""
    apart = BY_KEY_ONLY if part == "meaningless" else ()
    name = "recall, by value" if apart else "recall"
    yield Verdict(part=part, figure=name, value=score.recall(apart), least=recall)
    if apart:
        yield Verdict(part=part, figure="recall, names, streets and births too", value=score.recall())
    yield Verdict(part=part, figure="benign changed", value=score.benign_changed, form="percent", most=benign)
    if score.structured:
        yield Verdict(
            part=part, figure="valid against schema", value=score.valid / score.structured, form="percent", least=1
        )
    if score.copies:
        yield Verdict(part=part, figure="copies in step", value=score.in_step / score.copies, form="percent", least=1)
    yield Verdict(part=part, figure="results denied", value=score.denied, form="count")


def _entities(part: str, score: Score, places: bool) -> None:
    short = [
        f"{each} {score.removed[each]}/{all_of}"
        for each, all_of in sorted(score.planted.items())
        if score.removed[each] < all_of
    ]
    print(f"{part}: {score.planted.total()} planted, {score.benign} benign leaves; short: {', '.join(short) or 'none'}")
    for place in [*score.missed, *score.spoilt, *score.broken] if places else []:
        print(f"    {place}")


def presidio(plan: Plan) -> Iterator[Verdict]:
    """The comparator's own figures, for information."""
    cases = list(corpus.cases(plan.seed, min(plan.rounds, 3), "named"))
    for threshold, without, name in ((0.0, frozenset[str](), "0"), (0.4, comparator.WEAK, "0.4, no date, URL, UUID")):
        part = f"presidio, {name}"
        try:
            score = measured(cases, comparator.presidio(threshold, without))
        except SeamMissingError as error:
            print(f"{part}: NOT MEASURED: {error}")
            continue
        yield Verdict(part=part, figure="recall", value=score.recall())
        yield Verdict(part=part, figure="benign changed", value=score.benign_changed, form="percent")


def sentences(plan: Plan) -> Iterator[Verdict]:
    """presidio-research, ours and Presidio's."""
    if not plan.research_file.is_file():
        print(f"research: SKIPPED: there is no {plan.research_file.name} (--corpus FILE)")
        return
    read = research.read(plan.research_file)
    wanted = {"CREDIT_CARD": (0.99, 0.98), "PHONE_NUMBER": (0.95, 0.80)}
    for who, finds in (("ours", plan.spans), ("presidio", comparator.spans)):
        try:
            found = research.agreement(read, finds)
        except SeamMissingError as error:
            print(f"research, {who}: NOT MEASURED: {error}")
            found = None
        for entity in research.ENTITIES:
            precise, complete = wanted.get(entity, (0.99, 0.99)) if who == "ours" else (None, None)
            precision, recall = (found.precision(entity), found.recall(entity)) if found else (None, None)
            yield Verdict(part=f"research, {who}", figure=f"{entity} P", value=precision, least=precise)
            yield Verdict(part=f"research, {who}", figure=f"{entity} R", value=recall, least=complete)


def speed(plan: Plan) -> Iterator[Verdict]:
    for kilobytes in plan.kilobytes:
        part = f"speed, {kilobytes} KB"
        try:
            found = costs.compared(kilobytes, plan.seed, plan.timed)
        except SeamMissingError as error:
            print(f"{part}: NOT MEASURED: {error}")
            yield Verdict(part=part, figure="with context / looking", value=None, form="times", least=100)
            continue
        yield Verdict(part=part, figure="presidio, with context", value=found.presidio, form="ms")
        yield Verdict(part=part, figure="presidio, NoOpNlpEngine", value=found.without_context, form="ms")
        yield Verdict(part=part, figure="ours, looking", value=found.look, form="ms")
        yield Verdict(
            part=part, figure="with context / looking", value=found.presidio / found.look, form="times", least=100
        )
        yield Verdict(part=part, figure="NoOp / looking", value=found.without_context / found.look, form="times")
        for name, ours in (("a text redacted", found.text), ("structured redacted", found.structured)):
            yield Verdict(part=part, figure=f"ours, {name}", value=ours, form="ms")
            yield Verdict(part=part, figure=f"with context / {name}", value=found.presidio / ours, form="times")


def chain(plan: Plan) -> Iterator[Verdict]:
    """What the whole default chain adds to an empty one over 1 KB, in this process: the call of `make bench`, which is
    what the target is about, and for information a result of the corpus, full of values, with its text copy.
    """
    for name, body, most in (
        ("the call of make bench", chain_costs.one_text(), 0.15),
        ("a result full of values", costs.payload(costs.KB, plan.seed), None),
    ):
        adds = chain_costs.added(seams.as_result(body))
        yield Verdict(part="chain, 1 KB", figure=f"added, {name}", value=adds, form="ms", most=most)


def tokens(plan: Plan) -> Iterator[Verdict]:
    """Edited tokens, of which none may open, and what tokens cost."""
    found, cost = tokens_edited.edited(10_000 if plan.rounds < 12 else 100_000), tokens_edited.cost()
    yield Verdict(part="tokens", figure="edited", value=found.count, form="count")
    yield Verdict(part="tokens", figure="of them opened", value=found.opened, form="count", most=0)
    yield Verdict(part="tokens", figure="of them opened in a text", value=found.opened_in_text, form="count", most=0)
    yield Verdict(part="tokens", figure="to make one", value=cost.make_us / 1e3, form="ms")
    yield Verdict(part="tokens", figure="to find and open one", value=cost.find_and_open_us / 1e3, form="ms")
    yield Verdict(part="tokens", figure="characters, of an e-mail address", value=cost.characters, form="count")


def linear(plan: Plan) -> Iterator[Verdict]:
    """The worst shapes by growth and by time, one line each."""
    chosen = dict(list(SHAPES.items())[:: max(len(SHAPES) // plan.shapes, 1)])
    try:
        grown = list(costs.growths(chosen, plan.timed))
    except SeamMissingError as error:
        print(f"linear: NOT MEASURED: {error}")
        yield Verdict(part="linear", figure="256 to 512 KB, worst", value=None, form="times", most=2.5)
        return
    steep, slow = max(grown, key=lambda each: each.ratio), max(grown, key=lambda each: each.whole)
    for each in grown if plan.places else [each for each in grown if each.ratio > 2.5 or each.whole > 1000]:
        print(f"    {each.shape}: {each.quarter:.1f}, {each.half:.1f}, {each.whole:.1f} ms; {each.ratio:.2f}x")
    yield Verdict(part="linear", figure="shapes", value=len(grown), form="count")
    yield Verdict(
        part="linear", figure=f"256 to 512 KB, worst: {steep.shape}", value=steep.ratio, form="times", most=2.5
    )
    yield Verdict(part="linear", figure=f"1 MB, worst: {slow.shape}", value=slow.whole, form="ms", most=1000)


PARTS: dict[str, Callable[[Plan], Iterator[Verdict]]] = {
    "redaction": redaction, "secrets": secrets, "presidio": presidio, "research": sentences, "speed": speed,
    "linear": linear, "chain": chain, "tokens": tokens,
}  # fmt: skip


def run(plan: Plan, names: list[str]) -> bool:
    """Prints every figure; whether all targets were met."""
    verdicts = [verdict for name in names for verdict in PARTS[name](plan)]
    print(f"\n{table(verdicts)}")
    missed = [verdict for verdict in verdicts if not verdict.met]
    print(f"\n{len(missed)} of {sum(verdict.judged for verdict in verdicts)} targets missed")
    return not missed
