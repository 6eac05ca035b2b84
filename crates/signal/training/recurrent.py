"""Layers shared by the training scripts, and the order in which their weights are written for src/learned."""
import os

os.environ.setdefault("JAX_PLATFORMS", "cpu")
os.environ.setdefault("XLA_FLAGS", "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1")

import jax
import jax.numpy as jnp
import numpy as np
import optax


def data_folder():
    """Where the recordings lie: MAIA_CTG_DIR, else ../shared/ctg beside the repository."""
    here = os.path.dirname(os.path.abspath(__file__))
    beside = os.path.join(here, "..", "..", "..", "..", "shared", "ctg")
    return os.environ.get("MAIA_CTG_DIR", beside)


def dense_weights(key, inputs, outputs, bias=0.0):
    scale = np.sqrt(2 / (inputs + outputs))
    return dict(W=jax.random.normal(key, (inputs, outputs)) * scale, b=jnp.full(outputs, bias))


def gru_weights(key, inputs, size):
    """Orthogonal recurrence; biases of the update gate spread over time constants from one to twenty steps."""
    input_key, *gate_keys = jax.random.split(key, 4)
    gates = [jnp.linalg.qr(jax.random.normal(gate_key, (size, size)))[0] for gate_key in gate_keys]
    bias = jnp.concatenate([jnp.linspace(-1, 3, size), jnp.zeros(2 * size)])
    weights = dense_weights(input_key, inputs, 3 * size)["W"]
    return dict(W=weights, U=jnp.concatenate(gates, 1) * 0.9, b=bias, c=jnp.zeros(size))


def dense(layer, x):
    return x @ layer["W"] + layer["b"]


def gru(layer, x):
    """States of the recurrent layer over x[time, batch, input], from zero."""
    return _gru(dense(layer, x), layer["U"], layer["c"])


def _gru_scan(gates, recurrent, candidate_bias):
    size = recurrent.shape[0]

    def step(state, gate):
        inner = state @ recurrent
        opened = jax.nn.sigmoid(gate[:, : 2 * size] + inner[:, : 2 * size])
        update, reset = opened[:, :size], opened[:, size:]
        inner = inner[:, 2 * size :] + candidate_bias
        candidate = jnp.tanh(gate[:, 2 * size :] + reset * inner)
        state = update * state + (1 - update) * candidate
        return state, (state, update, reset, candidate, inner)

    return jax.lax.scan(step, jnp.zeros((gates.shape[1], size)), gates)[1]


@jax.custom_vjp
def _gru(gates, recurrent, candidate_bias):
    return _gru_scan(gates, recurrent, candidate_bias)[0]


def _gru_forward(gates, recurrent, candidate_bias):
    kept = _gru_scan(gates, recurrent, candidate_bias)
    return kept[0], (recurrent, *kept)


def _gru_backward(kept, slope):
    """Steps back in time; the slope of the weights is one product at the end."""
    recurrent, state, update, reset, candidate, inner = kept
    size = recurrent.shape[0]
    before = jnp.concatenate([jnp.zeros_like(state[:1]), state[:-1]], 0)

    def step(carried, at):
        slope, before, update, reset, candidate, inner = at
        slope = slope + carried
        to_candidate = slope * (1 - update) * (1 - candidate * candidate)
        to_update = slope * (before - candidate) * update * (1 - update)
        to_reset = to_candidate * inner * reset * (1 - reset)
        to_recurrent = jnp.concatenate([to_update, to_reset, to_candidate * reset], 1)
        return slope * update + to_recurrent @ recurrent.T, (to_recurrent, to_candidate)

    at = (slope, before, update, reset, candidate, inner)
    _, (to_recurrent, to_candidate) = jax.lax.scan(step, jnp.zeros_like(state[0]), at, reverse=True)
    to_gates = jnp.concatenate([to_recurrent[..., : 2 * size], to_candidate], -1)
    to_weights = before.reshape(-1, size).T @ to_recurrent.reshape(-1, 3 * size)
    return to_gates, to_weights, to_recurrent[..., 2 * size :].sum((0, 1))


_gru.defvjp(_gru_forward, _gru_backward)


def drop(key, x, share):
    """Drops the same units for the whole sequence; without a key, none."""
    if key is None:
        return x
    return x * jax.random.bernoulli(key, 1 - share, (1,) + x.shape[1:]) / (1 - share)


def cross_entropy(logit, target):
    """Mean over targets of 0 or 1; negative targets are unknown."""
    known = (target >= 0).astype(jnp.float32)
    target = jnp.maximum(target, 0).astype(jnp.float32)
    return jnp.sum(known * (jax.nn.softplus(logit) - target * logit)) / jnp.maximum(known.sum(), 1)


def delayed(x, steps):
    """x[time] moved later by this many steps."""
    return jnp.concatenate([jnp.zeros((steps,) + x.shape[1:]), x[:-steps]], 0)


def train(weights, loss, batch, steps, rate, decay, averaging, seed, report):
    """Fits the weights; gives their running mean, which is what is kept."""
    schedule = optax.warmup_cosine_decay_schedule(0, rate, min(100, steps // 4), steps, rate / 100)
    optimizer = optax.chain(optax.clip_by_global_norm(1.0), optax.adamw(schedule, weight_decay=decay))
    state = optimizer.init(weights)

    @jax.jit
    def step(weights, state, mean, x, y, key):
        value, slope = jax.value_and_grad(loss)(weights, x, y, key)
        update, state = optimizer.update(slope, state, weights)
        weights = optax.apply_updates(weights, update)
        mean = jax.tree.map(lambda old, new: old * averaging + new * (1 - averaging), mean, weights)
        return weights, state, mean, value

    mean, key, losses = weights, jax.random.PRNGKey(seed + 1), []
    for index in range(steps):
        key, dropping = jax.random.split(key)
        weights, state, mean, value = step(weights, state, mean, *batch(), dropping)
        losses.append(float(value))
        if index % 100 == 99:
            report(f"step {index + 1}: loss {np.mean(losses[-100:]):.4f}")
    return jax.tree.map(np.asarray, mean)


def write(path, layers):
    """Writes layers as src/learned/weights.rs reads them: little-endian f32, one layer after the other."""
    order = ("W", "U", "b", "c")
    parts = [np.asarray(layer[name], "<f4").ravel() for layer in layers for name in order if name in layer]
    np.concatenate(parts).tofile(path)


def read(path, layers):
    """The inverse of write, for layers of the same shapes."""
    values, at, found = np.fromfile(path, "<f4"), 0, []
    for layer in layers:
        known = {}
        for name in ("W", "U", "b", "c"):
            if name in layer:
                shape = np.shape(layer[name])
                known[name] = values[at : at + int(np.prod(shape))].reshape(shape)
                at += int(np.prod(shape))
        found.append(known)
    assert at == len(values), "the file has another size"
    return found
