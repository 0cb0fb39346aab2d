"""What a model was trained to predict, and under which noise: what a scheduler's config says.

A sampler and its steps are the recipe's; the training's betas and prediction are the model's own,
and only they are taken from here.  Invariant: every setting is used, or known to choose among
samplers only, or refused with its name.
"""

from __future__ import annotations

from collections.abc import Mapping

from generation.errors import NoSuchName, UnusableWeights
from generation.families.architecture import Trained
from generation.recipe import PREDICTIONS
from generation.sigmas import SD_BETAS, TOKEN, levels, resolved

# Any of these classes may be named: all were trained alike, and the recipe's sampler draws.
SCHEDULERS = frozenset(
    f"{name}Scheduler"
    for name in (
        *("DDIM", "DDPM", "PNDM", "LCM", "TCD", "DDIMInverse", "IPNDM"),
        *("EulerDiscrete", "EulerAncestralDiscrete", "HeunDiscrete", "LMSDiscrete"),
        *("KDPM2Discrete", "KDPM2AncestralDiscrete", "DEISMultistep", "UniPCMultistep"),
        *("DPMSolverMultistep", "DPMSolverSinglestep", "DPMSolverSDE", "SASolver"),
    )
)

_READ = frozenset(
    ("beta_schedule", "beta_start", "beta_end", "prediction_type", "rescale_betas_zero_snr")
)

# Harmless with these values alone: others would change what is drawn.
_ONLY: dict[str, tuple[object, ...]] = {
    "trained_betas": (None,),
    "num_train_timesteps": (1000,),
    "clip_sample": (False, None),
    "thresholding": (False, None),
    "timestep_type": ("discrete", None),
    "use_flow_sigmas": (False, None),
    "sigma_data": (None,),
    "sigma_schedule": (None,),
    "snr_shift_scale": (None, 1, 1.0),
}

# They choose among samplers and spacings, which a recipe says itself.
_HARMLESS = frozenset(
    (
        *("_class_name", "_diffusers_version", "_name_or_path", "timestep_spacing", "steps_offset"),
        *("skip_prk_steps", "set_alpha_to_one", "clip_sample_range", "sample_max_value"),
        *("dynamic_thresholding_ratio", "interpolation_type", "use_karras_sigmas"),
        *("use_exponential_sigmas", "use_beta_sigmas", "sigma_min", "sigma_max", "rho"),
        *("final_sigmas_type", "solver_order", "algorithm_type", "solver_type", "solver_p"),
        *("lower_order_final", "euler_at_final", "use_lu_lambdas", "lambda_min_clipped"),
        *("variance_type", "predict_x0", "disable_corrector", "predictor_order", "flow_shift"),
        *("corrector_order", "original_inference_steps", "timestep_scaling", "noise_sampler_seed"),
        *("tau_func", "use_dynamic_shifting", "time_shift_type", "eta", "max_shift", "base_shift"),
    )
)


def of_scheduler(config: Mapping[str, object], name: str) -> Trained:
    """What a scheduler_config.json says.  Raises UnusableWeights, with the setting's name."""
    called = config.get("_class_name")
    if isinstance(called, str) and called.startswith("EDM"):
        raise UnusableWeights(name, f"its scheduler is {called:.60}: EDM, not supported yet")
    if called is not None and not (isinstance(called, str) and called in SCHEDULERS):
        raise UnusableWeights(name, f"its scheduler is {called!r:.60}, not supported yet")
    for key, value in config.items():
        if key not in _READ and key not in _ONLY and key not in _HARMLESS:
            raise UnusableWeights(name, f"its scheduler's setting {key:.60} is not known here")
        if key in _ONLY and not any(value == fine for fine in _ONLY[key]):
            raise _refused(name, key, value)
    prediction = config.get("prediction_type", "epsilon")
    if not isinstance(prediction, str) or prediction not in PREDICTIONS:
        raise UnusableWeights(name, f"an unknown prediction type {prediction!r:.60}")
    zero = config.get("rescale_betas_zero_snr")
    if not (zero is None or isinstance(zero, bool)):
        raise _refused(name, "rescale_betas_zero_snr", zero)
    return Trained(prediction=prediction, noise=_noise(config, name) + ("-zsnr" if zero else ""))


FLOW_SCHEDULER = "FlowMatchEulerDiscreteScheduler"

_FLOW_ONLY: dict[str, tuple[object, ...]] = {
    "num_train_timesteps": (1000,),
    "invert_sigmas": (False, None),
    "time_shift_type": ("exponential", None),
}
_FLOW_HARMLESS = frozenset(
    (
        *("_class_name", "_diffusers_version", "_name_or_path"),
        *("use_karras_sigmas", "use_exponential_sigmas", "use_beta_sigmas"),
        *("stochastic_sampling", "sigma_min", "sigma_max"),
    )
)


# What says how levels are shifted, and what the class takes where a config says nothing.
_BY_SIZE = "use_dynamic_shifting"
_SHIFT: dict[str, float | None] = {"shift": 1.0}
_TERMINAL: dict[str, float | None] = {"shift_terminal": None}
_MUS: dict[str, float | None] = {"base_shift": 0.5, "max_shift": 1.15}
_TOKENS: dict[str, float | None] = {"base_image_seq_len": 256, "max_image_seq_len": 4096}


_FLOW_READ = frozenset(
    (*_FLOW_ONLY, *_FLOW_HARMLESS, *_SHIFT, *_TERMINAL, *_MUS, *_TOKENS, _BY_SIZE)
)


def of_flow_scheduler(config: Mapping[str, object], name: str) -> Trained:
    """The same of a model of flow, whose levels are shifted alike at every size, or by it."""
    if (called := config.get("_class_name", FLOW_SCHEDULER)) != FLOW_SCHEDULER:
        raise UnusableWeights(name, f"its scheduler is {called!r:.60}, not supported yet")
    for key, value in config.items():
        if key not in _FLOW_READ:
            raise UnusableWeights(name, f"its scheduler's setting {key:.60} is not known here")
        if key in _FLOW_ONLY and value not in _FLOW_ONLY[key]:
            raise _refused(name, key, value)
    shifts = [repr(number) for number in _numbers(config, _SHIFT, name)]
    if by_size := bool(config.get(_BY_SIZE)):
        shifts = [repr(number) for number in _numbers(config, _MUS, name)]
        shifts += [str(int(number)) for number in _numbers(config, _TOKENS, name)]
    noise = ":".join(["flow-mu" if by_size else "flow", *shifts])
    for terminal in _numbers(config, _TERMINAL, name):
        noise += f"@{terminal!r}"
    try:
        levels(resolved(noise, pixels=TOKEN, steps=1))
    except NoSuchName:
        raise _refused(name, "shift", noise) from None
    return Trained(prediction="flow", noise=noise)


# Solvers that walk a flow as well, where their configs say so.
FLOW_SOLVERS = frozenset({"DPMSolverMultistepScheduler", "UniPCMultistepScheduler"})
_SOLVES_FLOW: dict[str, tuple[object, ...]] = {
    **_ONLY,
    "prediction_type": ("flow_prediction",),
    "use_flow_sigmas": (True,),
    "use_dynamic_shifting": (False, None),
}


def of_flow_solver(config: Mapping[str, object], name: str) -> Trained:
    """The same of a solver made for other noise, of which the shift of its flow alone counts."""
    if config.get("_class_name") not in FLOW_SOLVERS:
        return of_flow_scheduler(config, name)
    known = _READ | _HARMLESS | _SOLVES_FLOW.keys()
    for key in (*config, "prediction_type", "use_flow_sigmas"):
        if key not in known:
            raise UnusableWeights(name, f"its scheduler's setting {key:.60} is not known here")
        if key in _SOLVES_FLOW and not any(config.get(key) == fine for fine in _SOLVES_FLOW[key]):
            raise _refused(name, key, config.get(key))
    return of_flow_scheduler({"shift": config.get("flow_shift", 1.0)}, name)


def _numbers(
    config: Mapping[str, object], usual: Mapping[str, float | None], name: str
) -> list[float]:
    """What a config says, without what is neither said nor usual."""
    found: list[float] = []
    for key, default in usual.items():
        value = config.get(key, default)
        if isinstance(value, int | float) and not isinstance(value, bool):
            found.append(float(value))
        elif value is not None or default is not None:
            raise _refused(name, key, value)
    return found


def _noise(config: Mapping[str, object], name: str) -> str:
    said: dict[str, object] = {}
    for key in ("beta_schedule", "beta_start", "beta_end"):
        if key not in config:  # each scheduler's class means something else by that
            raise UnusableWeights(name, f"its scheduler does not say its {key}")
        said[key] = config[key]
    kind, first, last = said.values()
    kinds = {"linear": "linear", "scaled_linear": "scaled-linear"}
    if not isinstance(kind, str) or kind not in kinds:
        raise UnusableWeights(name, f"an unknown noise schedule {kind!r:.60}")
    if not isinstance(first, int | float) or not isinstance(last, int | float):
        raise _refused(name, "beta_start or beta_end", (first, last))
    if not 0 < first < last < 1:
        raise _refused(name, "beta_start or beta_end", (first, last))
    noise = kinds[kind]
    if kind == "linear" or (first, last) != SD_BETAS:
        noise = f"{noise}:{float(first)!r}:{float(last)!r}"
    try:
        levels(noise)
    except NoSuchName:
        raise _refused(name, "beta_start or beta_end", (first, last)) from None
    return noise


def _refused(name: str, key: str, value: object) -> UnusableWeights:
    return UnusableWeights(name, f"its scheduler's {key} is {value!r:.60}, not supported yet")
