"""The loops behind the names of `generation.samplers`.

Each walks a `SamplerRun` down its sigmas: guess x0, take a step, tell `on_step`.  Here and there
are the levels where a step begins and ends.  Of a flow most take the level as it is; what is
derived for added noise sees it stretched.  Invariant: the noise is drawn in the order that
docs/samplers.md gives, and nothing else is random.
"""

from __future__ import annotations

from generation.worker.sampling import adams, cfg_pp, multistep, one_step, seeds
from generation.worker.sampling.stretched import Integrator, stretching

INTEGRATORS: dict[str, Integrator] = {
    "euler": one_step.euler,
    "euler_ancestral": one_step.euler_ancestral,
    "heun": one_step.heun,
    "dpm_2": one_step.dpm_2,
    "dpm_2_ancestral": one_step.dpm_2_ancestral,
    "lms": adams.lms,
    "dpmpp_2s_ancestral": one_step.dpmpp_2s_ancestral,
    "dpmpp_sde": stretching(one_step.dpmpp_sde),
    "dpmpp_2m": multistep.dpmpp_2m,
    "dpmpp_2m_sde": stretching(multistep.dpmpp_2m_sde),
    "dpmpp_2m_sde_heun": stretching(multistep.dpmpp_2m_sde_heun),
    "dpmpp_3m_sde": stretching(multistep.dpmpp_3m_sde),
    "ddim": one_step.euler,
    "ddpm": stretching(one_step.euler_ancestral),
    "uni_pc": multistep.uni_pc,
    "uni_pc_bh2": multistep.uni_pc_bh2,
    "lcm": one_step.lcm,
    "res_multistep": multistep.res_multistep,
    "res_multistep_ancestral": multistep.res_multistep_ancestral,
    "er_sde": stretching(multistep.er_sde),
    "gradient_estimation": multistep.gradient_estimation,
    "heunpp2": one_step.heunpp2,
    "deis": adams.deis,
    "ipndm": adams.ipndm,
    "ipndm_v": adams.ipndm_v,
    "seeds_2": stretching(seeds.seeds_2),
    "seeds_3": stretching(seeds.seeds_3),
    "exp_heun_2_x0": stretching(seeds.exp_heun_2_x0),
    "exp_heun_2_x0_sde": stretching(seeds.exp_heun_2_x0_sde),
    "sa_solver": stretching(adams.sa_solver),
    "sa_solver_pece": stretching(adams.sa_solver_pece),
    "dpm_fast": one_step.dpm_fast,
    "euler_cfg_pp": stretching(cfg_pp.euler_cfg_pp),
    "euler_ancestral_cfg_pp": stretching(cfg_pp.euler_ancestral_cfg_pp),
    "dpmpp_2s_ancestral_cfg_pp": stretching(cfg_pp.dpmpp_2s_ancestral_cfg_pp),
    "dpmpp_2m_cfg_pp": stretching(cfg_pp.dpmpp_2m_cfg_pp),
    "res_multistep_cfg_pp": stretching(cfg_pp.res_multistep_cfg_pp),
    "res_multistep_ancestral_cfg_pp": stretching(cfg_pp.res_multistep_ancestral_cfg_pp),
    "gradient_estimation_cfg_pp": stretching(cfg_pp.gradient_estimation_cfg_pp),
}
