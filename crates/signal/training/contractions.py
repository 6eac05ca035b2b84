"""Trains the network of src/learned/contractions.rs on the experts' contractions of CTU-UHB (Romagnoli 2020).

    python contractions.py cross-validate      five folds by recording; prints pooled F1 at once and after 60 s
    python contractions.py train               fits all recordings and writes ../weights/contractions.bin
    python contractions.py reference           probabilities that the unit test of the Rust module expects
"""
import json
import os
import sys

from recurrent import (cross_entropy, data_folder, delayed, dense, dense_weights, drop, gru, gru_weights, jax, jnp, np,
                       read, train, write)

sys.path.insert(0, os.path.join(data_folder(), "tools"))
import score
from fhrio import read_ctu

WEIGHTS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "weights", "contractions.bin")
UNITS = HEAD_UNITS = 24
FEATURES = 16
LOOK_AHEAD_S, STRIDE_S, TAPS_S = 60, 3, (15, 30, 45, 60)
FOLDS = 5
STEPS, BATCH, CROP_S, DROPPED = 500, 40, 1500, 0.2
# Limits of src/learned/contractions.rs: opening, closing, shortest duration in s.
PROVISIONAL, FINAL = (0.5, 0.3, 25), (0.55, 0.3, 21)


def recordings():
    """Mean and spread of every second of toco, what the experts say of it, and the marks for scoring."""
    folder = os.path.join(data_folder(), "ctu-uhb")
    events, found = json.load(open(os.path.join(folder, "events.json"))), []
    for name in sorted(events):
        known = events[name]
        toco = np.nan_to_num(read_ctu(os.path.join(folder, name + ".dat"))["toco"]).clip(0, 200)
        skipped = known.get("not_to_analyse") or []
        label = np.zeros(len(toco), np.int8)
        for value, spans in ((1, known["contractions"]), (-1, skipped)):
            for start_s, end_s in spans:
                label[round(start_s * 4) : round(end_s * 4)] = value
        label[known.get("n_annotated") or len(toco) :] = -1
        seconds = len(toco) // 4
        samples = toco[: seconds * 4].reshape(seconds, 4)
        second = np.stack([samples.mean(1), samples.max(1) - samples.min(1)], 1).astype(np.float32)
        label = label[: seconds * 4].reshape(seconds, 4)[:, 1]
        marks = np.array(known["contractions"], float).reshape(-1, 2)
        found.append(dict(name=name, samples=len(toco), second=second, label=label, marks=marks, skipped=skipped))
    return found


def features(seconds):
    """src/learned/contractions/features.rs for seconds[batch, time, (mean, spread)]; gives [time, batch, feature]."""

    def step(s, at):
        toco, spread = at[:, 0], at[:, 1]
        first = s["first"]
        started = lambda value, initial: jnp.where(first, initial, value)

        def approach(old, time_s, value=toco):
            return started(old + (1 - jnp.exp(-1 / time_s)) * (value - old), value)

        moved = started(toco - s["toco"], 0.0)
        mean_3_s, mean_10_s = approach(s["mean_3_s"], 3.0), approach(s["mean_10_s"], 10.0)
        mean_30_s, mean_120_s = approach(s["mean_30_s"], 30.0), approach(s["mean_120_s"], 120.0)
        tone = approach(s["tone"], jnp.where(toco > s["tone"], 240.0, 8.0))
        top = approach(s["top"], jnp.where(toco > s["top"], 8.0, 400.0))
        restless = started(approach(s["restless"], 10.0, jnp.minimum(jnp.abs(moved) + spread, 20.0)), 1.0)
        flat = (jnp.abs(moved) < 0.05) & (spread < 0.3)
        flat_s = jnp.where(flat, jnp.minimum(s["flat_s"] + 1, 600.0), 0.0)
        span = jnp.maximum(top - tone, 8.0)
        scaled = lambda difference, unit: jnp.clip(difference / unit, -4, 4)
        vector = [toco / 40, (mean_3_s - tone) / span, (mean_10_s - tone) / span, scaled(toco - mean_10_s, 10),
                  scaled(mean_3_s - mean_30_s, 15), scaled(mean_10_s - mean_120_s, 20), tone / 30, span / 40,
                  spread / 10, scaled(moved, 5), restless / 4, 1 - jnp.exp(-flat_s / 10), 1 - jnp.exp(-flat_s / 120),
                  (toco < 0.6) * 1.0, scaled(mean_30_s - tone, 20), jnp.log1p(jnp.maximum(toco - tone, 0)) / 3]
        state = dict(first=jnp.zeros_like(first), toco=toco, mean_3_s=mean_3_s, mean_10_s=mean_10_s,
                     mean_30_s=mean_30_s, mean_120_s=mean_120_s, tone=tone, top=top, restless=restless, flat_s=flat_s)
        return state, jnp.stack(vector, -1)

    zero = jnp.zeros(seconds.shape[0])
    names = ("toco", "mean_3_s", "mean_10_s", "mean_30_s", "mean_120_s", "tone", "top", "restless", "flat_s")
    state = dict({name: zero for name in names}, first=zero == 0)
    return jax.lax.scan(step, state, jnp.swapaxes(seconds, 0, 1))[1]


def initial(seed):
    keys = jax.random.split(jax.random.PRNGKey(seed), 6)
    delayed_inputs = 2 * UNITS + len(TAPS_S) * UNITS + UNITS + FEATURES
    return [gru_weights(keys[0], FEATURES, UNITS), gru_weights(keys[1], UNITS + FEATURES, UNITS),
            dense_weights(keys[2], 2 * UNITS, HEAD_UNITS), dense_weights(keys[3], HEAD_UNITS, 1, -1.0),
            dense_weights(keys[4], delayed_inputs, HEAD_UNITS), dense_weights(keys[5], HEAD_UNITS, 1, -1.0)]


def logits(layers, seconds, key=None):
    """Of each second, at once; and of the second LOOK_AHEAD_S before it."""
    keys = [None] * 3 if key is None else jax.random.split(key, 3)
    seen = features(seconds)
    first = drop(keys[0], gru(layers[0], seen), DROPPED)
    second = drop(keys[1], gru(layers[1], jnp.concatenate([first, seen], -1)), DROPPED)
    now = dense(layers[3], jax.nn.relu(dense(layers[2], jnp.concatenate([first, second], -1))))
    past = [delayed(second, tap_s) for tap_s in TAPS_S] + [delayed(first, LOOK_AHEAD_S), delayed(seen, LOOK_AHEAD_S)]
    hidden = drop(keys[2], jnp.concatenate([first, second] + past, -1), DROPPED)
    later = dense(layers[5], jax.nn.relu(dense(layers[4], hidden)))
    return now[..., 0], later[..., 0]


def loss(layers, seconds, label, key):
    now, later = logits(layers, seconds, key)
    label = label.T.astype(jnp.float32)
    unknown = -jnp.ones((LOOK_AHEAD_S, label.shape[1]))
    return cross_entropy(now, label) + cross_entropy(later, jnp.concatenate([unknown, label[:-LOOK_AHEAD_S]], 0))


def crop(known, random):
    """A stretch of one recording, slower or faster, higher or lower, sometimes with the sensor off."""
    seconds, label = known["second"], known["label"]
    length = int(CROP_S * np.exp(random.randn() * 0.1)) + 1
    start = 0 if random.rand() < 0.15 else random.randint(0, max(1, len(label) - length + 1))
    seconds, label = seconds[start : start + length], label[start : start + length]
    short = length - len(label)
    seconds = np.pad(seconds, ((0, short), (0, 0)))
    label = np.pad(label, (0, short), constant_values=-1)
    at = np.linspace(0, length - 1, CROP_S)
    nearest = np.round(at).astype(int)
    toco = np.interp(at, np.arange(length), seconds[:, 0])
    seconds, label = np.stack([toco, seconds[nearest, 1]], 1) * np.exp(random.randn() * 0.3), label[nearest]
    if random.rand() < 0.5 and (seconds[:, 0].min() > 2 or random.rand() < 0.3):
        seconds[:, 0] += random.rand() * 20
    seconds[:, 0] = np.minimum(seconds[:, 0], 127)
    if random.rand() < 0.15:
        start = random.randint(0, CROP_S)
        seconds[start : start + int(abs(random.randn()) * 60) + 1] = 0
    return seconds.astype(np.float32), label


def fit(chosen, seed):
    random = np.random.RandomState(seed)

    def batch():
        crops = [crop(chosen[random.randint(len(chosen))], random) for _ in range(BATCH)]
        return tuple(np.stack(part) for part in zip(*crops))

    return train(initial(seed), loss, batch, STEPS, rate=6e-3, decay=1e-3, averaging=0.99, seed=seed, report=print)


def probabilities(layers, chosen):
    longest = max(len(known["label"]) for known in chosen) + LOOK_AHEAD_S + 1
    seconds = np.zeros((len(chosen), longest, 2), np.float32)
    for index, known in enumerate(chosen):
        seconds[index, : len(known["label"])] = known["second"]
    now, later = (np.asarray(jax.nn.sigmoid(value)) for value in logits(layers, seconds))
    lengths = [len(known["label"]) for known in chosen]
    return [(now[:length, index], later[LOOK_AHEAD_S : LOOK_AHEAD_S + length, index])
            for index, length in enumerate(lengths)]


def spans(probability, limits, step_s):
    """Spans that open and close at two limits, as src/learned/contractions.rs follows them."""
    opening, closing, shortest_s = limits
    found, start = [], None
    for index, value in enumerate(list(probability) + [0.0]):
        if start is None and value >= opening:
            start = index
        elif start is not None and value < closing:
            if (index - start) * step_s >= shortest_s:
                found.append([start * step_s, index * step_s])
            start = None
    return found


def counts(known, found):
    """Matched, missed and false contractions, by the scorer's matching."""
    judged = np.ones(known["samples"])
    for start_s, end_s in known["skipped"]:
        judged[int(start_s * 4) : int(end_s * 4)] = 0
    drop_lost = lambda marks: score._drop_lost(np.array(marks, float).reshape(-1, 2) / 60, judged)
    result = score._match(drop_lost(known["marks"]), drop_lost(found), np.zeros((0, 2)))[0]
    return np.array([result["match"], result["only1"], result["only2"]])


def pooled_f1(total):
    return 2 * total[0] / (2 * total[0] + total[1] + total[2])


def cross_validate():
    everything, totals = recordings(), np.zeros((2, 3))
    order = np.random.RandomState(3).permutation(len(everything))
    for fold in range(FOLDS):
        held_out = [everything[index] for index in order[fold::FOLDS]]
        rest = [everything[index] for place, index in enumerate(order) if place % FOLDS != fold]
        for known, (now, later) in zip(held_out, probabilities(fit(rest, seed=0), held_out)):
            totals[0] += counts(known, spans(now, PROVISIONAL, 1))
            totals[1] += counts(known, spans(later[STRIDE_S - 1 :: STRIDE_S], FINAL, STRIDE_S))
        print(f"fold {fold}: so far {pooled_f1(totals[0]):.4f} at once, {pooled_f1(totals[1]):.4f} after 60 s")


def reference():
    tick = np.arange(2400)
    toco = 10 + np.maximum(0, 60 - 2 * np.abs(tick // 4 % 150 - 75)) + tick * 7 % 5 * 0.5
    samples = toco.reshape(-1, 4)
    seconds = np.stack([samples.mean(1), samples.max(1) - samples.min(1)], 1)[None].astype(np.float32)
    now, later = (np.asarray(jax.nn.sigmoid(value))[:, 0] for value in logits(read(WEIGHTS, initial(0)), seconds))
    for second in (101, 227, 302, 389, 599):
        print(f"({second}, {now[second]:.4f}, {later[second]:.4f}),")


if __name__ == "__main__":
    if sys.argv[1:] == ["cross-validate"]:
        cross_validate()
    elif sys.argv[1:] == ["train"]:
        write(WEIGHTS, fit(recordings(), seed=0))
    elif sys.argv[1:] == ["reference"]:
        reference()
    else:
        sys.exit(__doc__)
