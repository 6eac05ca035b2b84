"""Trains the network and the forests of src/learned/events.rs on the experts' marks of CTU-UHB (Romagnoli 2020).

    python events.py features            runs the engine over the recordings and keeps what it sees in ./features
    python events.py cross-validate      five folds by recording; prints pooled F1 at once and after 60 s
    python events.py train               fits all recordings; writes ../weights/events_{network,forests}.bin
"""
import json
import os
import struct
import subprocess
import sys

import lightgbm

from recurrent import (cross_entropy, data_folder, delayed, dense, dense_weights, drop, gru, gru_weights, jax, jnp, np,
                       train, write)

sys.path.insert(0, os.path.join(data_folder(), "tools"))
import score
from fhrio import read_ctu

HERE = os.path.dirname(os.path.abspath(__file__))
FEATURES = os.path.join(HERE, "features")
NETWORK_FILE = os.path.join(HERE, "..", "weights", "events_network.bin")
FORESTS_FILE = os.path.join(HERE, "..", "weights", "events_forests.bin")
# As in src/learned/events.rs and src/learned/events/inputs.rs.
INPUTS, UNITS, BLOCK_S, HINDSIGHTS, NETWORK_SHARE = 20, 40, 4, (0, 3, 8, 15), 0.35
SMOOTHING_DELAY_S = 2
STAGES, DIRECTIONS = ("provisional", "final"), ("accelerations", "decelerations")
# Log odds from which an excursion is chosen, by stage and direction: the middle of what is best in cross-validation.
LIMITS = ((-1.2, -0.85), (-1.45, -0.95))
FOLDS, STEPS, BATCH, CROP, UNJUDGED = 5, 650, 64, 320, 30
FOREST = dict(objective="binary", learning_rate=0.05, num_leaves=8, min_child_samples=40, feature_fraction=0.25,
              bagging_fraction=0.8, bagging_freq=1, lambda_l2=5.0, verbose=-1, num_threads=1, deterministic=True)
TREES, FOREST_SEEDS = 160, (0, 1)
# Inputs that grow with the amplitude of the rate, those that move with its level, and those of the toco.
RATES, LEVELS, TOCO = [0, 1, 2, 3, 4, 6, 7, 14, 16, 17], [5, 15], [11, 12]


def features():
    os.makedirs(FEATURES, exist_ok=True)
    folders = dict(MAIA_CTG_DIR=os.path.abspath(data_folder()), MAIA_FEATURES_DIR=FEATURES)
    command = ["cargo", "test", "--release", "-p", "signal", "--lib", "--", "--ignored", "training_data"]
    subprocess.run(command, check=True, cwd=HERE, env=dict(os.environ, **folders))


def recordings():
    """What the engine saw of each recording, what the experts marked, and the samples by which events are judged."""
    folder = os.path.join(data_folder(), "ctu-uhb")
    events, found = json.load(open(os.path.join(folder, "events.json"))), []
    for name in sorted(events):
        known = events[name]
        rate = read_ctu(os.path.join(folder, name + ".dat"))["fhr1"]
        minutes = lambda key: np.asarray(known.get(key) or [], float).reshape(-1, 2) / 60
        judged = score.evaluated_signal(rate, rate * 0, minutes("unreliable"), minutes("not_to_analyse"))
        inputs = np.fromfile(os.path.join(FEATURES, name + ".f32"), "<f4").reshape(-1, INPUTS)
        rows = [line.split(",") for line in open(os.path.join(FEATURES, name + ".csv"))]
        found.append(dict(judged=judged, inputs=inputs, label=labels(known, judged, len(inputs)),
                          marks=[known[direction] for direction in DIRECTIONS],
                          excursions=[[int(value) for value in row[:5]] for row in rows],
                          evidence=[np.array(row[5:], np.float32) for row in rows]))
    return found


def labels(known, judged, blocks):
    """Of each block and direction: 1 where marked, 0 where not, -1 where mostly lost or not judged."""
    label = np.zeros((blocks, 2), np.float32)
    for place, direction in enumerate(DIRECTIONS):
        for start_s, end_s in known[direction]:
            label[round(start_s / BLOCK_S) : round(end_s / BLOCK_S), place] = 1
    samples = 4 * BLOCK_S
    label[(judged[: blocks * samples].reshape(blocks, samples) > 0).mean(1) < 0.5] = -1
    return label


# ---- the network


def initial(seed):
    keys = jax.random.split(jax.random.PRNGKey(seed), 3)
    return [gru_weights(keys[0], INPUTS, UNITS), gru_weights(keys[1], UNITS, UNITS),
            dense_weights(keys[2], 2 * UNITS, 2 * len(HINDSIGHTS), -3.0)]


def logits(layers, inputs, key=None):
    """Of inputs[block, recording, input]: each head's two directions, one head after the other."""
    keys = [None] * 2 if key is None else jax.random.split(key, 2)
    first = gru(layers[0], inputs)
    second = gru(layers[1], drop(keys[0], first, 0.15))
    return dense(layers[2], drop(keys[1], jnp.concatenate([first, second], -1), 0.15))


def loss(layers, inputs, label, key):
    found = logits(layers, inputs, key)
    heads = ((found[..., 2 * head : 2 * head + 2], late(label, steps)) for head, steps in enumerate(HINDSIGHTS))
    return sum(2 * cross_entropy(logit, target) for logit, target in heads)


def late(label, steps):
    return label if steps == 0 else delayed(label + 1, steps) - 1


def crop(known, random):
    """A stretch of one recording, higher or lower, louder or quieter, sometimes without toco."""
    inputs, label = known["inputs"], known["label"]
    start = max(0, min(random.integers(-CROP // 4, len(inputs) - CROP // 2), len(inputs) - CROP))
    inputs, label = inputs[start : start + CROP].copy(), label[start : start + CROP].copy()
    if start > 0:
        label[:UNJUDGED] = -1
    inputs[:, RATES] *= np.exp(random.normal() * 0.1)
    inputs[:, LEVELS] += random.normal() * 0.15
    inputs[:, TOCO] *= np.exp(random.normal() * 0.2)
    if random.random() < 0.15:
        inputs[:, 11:14] = 0, 0.2, 1
    return inputs + random.normal(size=inputs.shape) * 0.02, label


def fit_network(chosen, seed):
    random = np.random.default_rng(seed)
    chosen = [known for known in chosen if len(known["inputs"]) >= CROP]

    def batch():
        crops = [crop(chosen[random.integers(len(chosen))], random) for _ in range(BATCH)]
        return tuple(np.stack(part, 1).astype(np.float32) for part in zip(*crops))

    return train(initial(seed), loss, batch, STEPS, rate=4e-3, decay=2e-3, averaging=0.98, seed=seed, report=print)


def probabilities(layers, chosen):
    """Of each recording: probability[block, head, direction]."""
    inputs = np.zeros((max(len(known["inputs"]) for known in chosen), len(chosen), INPUTS), np.float32)
    for place, known in enumerate(chosen):
        inputs[: len(known["inputs"]), place] = known["inputs"]
    found = np.asarray(jax.nn.sigmoid(logits(layers, inputs)))
    return [found[: len(known["inputs"]), place].reshape(-1, len(HINDSIGHTS), 2) for place, known in enumerate(chosen)]


def opinion(probability, direction, start_s, end_s, now_s):
    """Mean over the blocks of an excursion, each as the head with most hindsight has judged it by now."""
    values = []
    for block in range(start_s // BLOCK_S, max(start_s // BLOCK_S + 1, -(-end_s // BLOCK_S))):
        known = [(head, block + late) for head, late in enumerate(HINDSIGHTS)
                 if BLOCK_S * (block + late + 1) <= now_s + 1 and block + late < len(probability)]
        values.append(probability[known[-1][1], known[-1][0], direction] if known else 0.0)
    return np.mean(values)


# ---- the forests


def interval(excursion):
    """As it is said: the delay of smoothing is made good at the start, and at the end once that is final."""
    stage, _, start_s, end_s, _ = excursion
    return max(0, start_s - SMOOTHING_DELAY_S), end_s - SMOOTHING_DELAY_S * stage


def chosen_rows(known, stage, direction):
    return [row for row, excursion in enumerate(known["excursions"]) if excursion[:2] == [stage, direction]]


def is_marked(known, rows, direction):
    """Of each mark, the excursion that agrees with it best is the one to be chosen."""
    marked = np.zeros(len(rows))
    intervals = [interval(known["excursions"][row]) for row in rows]
    for start_s, end_s in known["marks"][direction]:
        agreements = [0.0] + [agreement(start_s, end_s, *found) for found in intervals]
        if max(agreements) > 0:
            marked[int(np.argmax(agreements)) - 1] = 1
    return marked


def agreement(start_s, end_s, other_start_s, other_end_s):
    common = min(end_s, other_end_s) - max(start_s, other_start_s)
    if common <= 5:
        return 0.0
    return common / (max(end_s, other_end_s) - min(start_s, other_start_s))


def fit_forest(chosen, stage, direction):
    """One booster for each seed; their mean is the forest."""
    rows = [chosen_rows(known, stage, direction) for known in chosen]
    evidence = np.array([known["evidence"][row] for known, found in zip(chosen, rows) for row in found])
    marked = np.concatenate([is_marked(known, found, direction) for known, found in zip(chosen, rows)])
    data = lambda: lightgbm.Dataset(evidence, marked)
    return [lightgbm.train(dict(FOREST, seed=seed), data(), num_boost_round=TREES) for seed in FOREST_SEEDS]


def log_odds(probability):
    probability = np.clip(probability, 1e-3, 1 - 1e-3)
    return np.log(probability / (1 - probability))


def decisions(known, probability, forest, stage, direction):
    """Excursions as they would be said, with their log odds."""
    rows = chosen_rows(known, stage, direction)
    if not rows:
        return [], np.zeros(0)
    evidence = np.array([known["evidence"][row] for row in rows])
    shape = np.mean([booster.predict(evidence, raw_score=True) for booster in forest], 0)
    network = [opinion(probability, direction, *known["excursions"][row][2:]) for row in rows]
    odds = (1 - NETWORK_SHARE) * shape + NETWORK_SHARE * log_odds(np.round(np.array(network) * 255) / 255)
    return [interval(known["excursions"][row]) for row in rows], odds


def counts(known, found, direction):
    """Matched, missed and false events, by the scorer's matching."""
    keep = lambda marks: score._drop_lost(np.asarray(marks, float).reshape(-1, 2) / 60, known["judged"])
    result = score._match(keep(known["marks"][direction]), keep(found), np.zeros((0, 2)))[0]
    return np.array([result["match"], result["only1"], result["only2"]])


def cross_validate():
    everything, totals = recordings(), {}
    order = np.random.default_rng(11).permutation(len(everything))
    for fold in range(FOLDS):
        held_out = [everything[place] for place in order[fold::FOLDS]]
        rest = [everything[at] for place, at in enumerate(order) if place % FOLDS != fold]
        judged = probabilities(fit_network(rest, seed=fold), held_out)
        for stage, direction in ((0, 0), (1, 0), (0, 1), (1, 1)):
            forest = fit_forest(rest, stage, direction)
            for known, probability in zip(held_out, judged):
                intervals, odds = decisions(known, probability, forest, stage, direction)
                found = [interval for interval, value in zip(intervals, odds) if value >= LIMITS[stage][direction]]
                key = f"{DIRECTIONS[direction]} {STAGES[stage]}"
                totals[key] = totals.get(key, 0) + counts(known, found, direction)
        figures = (f"{key} {2 * total[0] / (2 * total[0] + total[1] + total[2]):.3f}" for key, total in totals.items())
        print(f"fold {fold}, pooled F1 so far:", ", ".join(figures), flush=True)


# ---- the files


def forest_bytes(forest):
    """As src/learned/events/trees.rs reads it."""
    trees = [tree["tree_structure"] for booster in forest for tree in booster.dump_model()["tree_info"]]
    trees = [tree for tree in trees if "split_feature" in tree]
    return struct.pack("<H", len(trees)) + b"".join(tree_bytes(tree, 1 / len(forest)) for tree in trees)


def tree_bytes(tree, share):
    splits = []

    def gather(node):
        if "split_feature" in node:
            splits.append(node)
            gather(node["left_child"])
            gather(node["right_child"])

    gather(tree)
    place = {node["split_index"]: index for index, node in enumerate(splits)}

    def branch(node):
        if "split_feature" in node:
            return struct.pack("<b", place[node["split_index"]])
        return struct.pack("<bf", -1, node["leaf_value"] * share)

    one = lambda node: struct.pack("<Bf", node["split_feature"], node["threshold"]) + branch(
        node["left_child"]) + branch(node["right_child"])
    return struct.pack("<B", len(splits)) + b"".join(one(node) for node in splits)


def train_all():
    everything = recordings()
    layers = fit_network(everything, seed=100)
    write(NETWORK_FILE, layers)
    parts = []
    for stage in range(2):
        for direction in range(2):
            forest = fit_forest(everything, stage, direction)
            parts.append(struct.pack("<f", LIMITS[stage][direction]) + forest_bytes(forest))
    with open(FORESTS_FILE, "wb") as file:
        file.write(b"".join(parts))


if __name__ == "__main__":
    {"features": features, "cross-validate": cross_validate, "train": train_all}[sys.argv[1]]()
