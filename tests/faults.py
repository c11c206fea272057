"""Single faults in losses, networks and step, each of which a fast test has to notice."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Fault:
    """One change that a test has to notice.

    Attributes:
        name: What is wrong then.
        file: The file, from the root of the project.
        right: Text that stands in it exactly once.
        wrong: What is put in its place.
        tests: File or folder of the fast tests that are run; the test that fails is reported.
    """

    name: str
    file: str
    right: str
    wrong: str
    tests: str


LOSSES = "talkface/losses"
MODELS = "talkface/models"
STEP = "talkface/system/talkface.py"
PHASES = "talkface/system/phases.py"
GAMES = "talkface/system/adversaries.py"

FAULTS = (
    Fault(
        "the generator is rewarded for being found out",
        f"{LOSSES}/adversarial.py",
        "F.softplus(-x).mean() if",
        "F.softplus(x).mean() if",
        "tests/losses/test_adversarial.py",
    ),
    Fault(
        "the hinge of D_seq has its sides swapped",
        f"{LOSSES}/adversarial.py",
        "(F.relu(1 - r).mean() + F.relu(1 + f).mean())",
        "(F.relu(1 + r).mean() + F.relu(1 - f).mean())",
        "tests/losses/test_adversarial.py",
    ),
    Fault(
        "D_seq never sees a rendered frame",
        f"{LOSSES}/adversarial.py",
        "F.softplus(-r).mean() + F.softplus(f).mean()",
        "F.softplus(-r).mean()",
        "tests/losses/test_adversarial.py",
    ),
    Fault(
        "R1 without its factor 1/2",
        f"{LOSSES}/regularizers.py",
        "self.gamma / 2 * grad",
        "self.gamma * grad",
        "tests/losses/test_regularizers.py",
    ),
    Fault(
        "lazy R1 is not multiplied by its interval",
        f"{LOSSES}/regularizers.py",
        "self.every * self.gamma",
        "self.gamma",
        "tests/losses/test_regularizers.py",
    ),
    Fault(
        "the penalty R1 is measured, but teaches nothing",
        f"{LOSSES}/regularizers.py",
        "torch.autograd.grad(total, images, create_graph=True)",
        "torch.autograd.grad(total, images, retain_graph=True)",
        "tests/losses/test_regularizers.py",
    ),
    Fault(
        "path lengths grow with the side of the picture",
        f"{LOSSES}/regularizers.py",
        "ranks.noise_like(painted) / math.sqrt(painted.shape[2] * painted.shape[3])",
        "ranks.noise_like(painted)",
        "tests/losses/test_regularizers.py",
    ),
    Fault(
        "the running mean of path lengths stands still",
        f"{LOSSES}/regularizers.py",
        "        self.mean.lerp_(ranks.mean(lengths.mean()), self.decay)\n",
        "",
        "tests/losses/test_regularizers.py",
    ),
    Fault(
        "the contrastive loss without its factor 1/2",
        f"{LOSSES}/sync.py",
        "/ (2 * len(audio))",
        "/ len(audio)",
        "tests/losses/test_sync.py",
    ),
    Fault(
        "matched codes are pushed apart, too",
        f"{LOSSES}/sync.py",
        ".square().masked_fill(matched, 0.0)",
        ".square()",
        "tests/losses/test_sync.py",
    ),
    Fault(
        "far codes are pulled instead of near ones pushed",
        f"{LOSSES}/sync.py",
        "F.relu(margin - (square + 1e-12).sqrt())",
        "F.relu((square + 1e-12).sqrt() - margin)",
        "tests/losses/test_sync.py",
    ),
    Fault(
        "codes are not standardised before distances are taken",
        f"{LOSSES}/sync.py",
        "    return centred * torch.rsqrt(centred.square().mean(0) + 1e-5)",
        "    return centred",
        "tests/losses/test_sync.py",
    ),
    Fault(
        "lips are rewarded for being told from sound",
        f"{LOSSES}/sync.py",
        "F.softplus(-rendering.modality.float())",
        "F.softplus(rendering.modality.float())",
        "tests/losses/test_sync.py",
    ),
    Fault(
        "the identity encoder helps the word adversary",
        f"{LOSSES}/words.py",
        "return (divergence * known).sum()",
        "return -(divergence * known).sum()",
        "tests/losses/test_words.py",
    ),
    Fault(
        "windows without a word teach the word adversary the first one",
        f"{LOSSES}/words.py",
        "return (losses * known).sum()",
        "return losses.sum()",
        "tests/losses/test_words.py",
    ),
    Fault(
        "the levels of VGG19 are not weighed",
        f"{LOSSES}/perceptual.py",
        "total = total + factor * (",
        "total = total + (",
        "tests/losses/test_perceptual.py",
    ),
    Fault(
        "a weight scales the value of a term twice",
        f"{LOSSES}/objective.py",
        "total = total + term.weight * values[name]",
        "total = total + term.weight**2 * values[name]",
        "tests/losses/test_objective.py",
    ),
    Fault(
        "the additive margin is taken off the angle",
        f"{LOSSES}/angular.py",
        "target * math.cos(self.margin) - sine * math.sin(self.margin)",
        "target * math.cos(self.margin) + sine * math.sin(self.margin)",
        "tests/losses/test_angular.py",
    ),
    Fault(
        "styles are not demodulated",
        f"{MODELS}/layers.py",
        "        if self.demodulate:\n            wide",
        "        if False:\n            wide",
        "tests/models/test_layers.py",
    ),
    Fault(
        "modulation starts at 0 instead of 1",
        f"{MODELS}/layers.py",
        "EqualLinear(style, inputs, bias=1.0)",
        "EqualLinear(style, inputs)",
        "tests/models",
    ),
    Fault(
        "a layer has no equalised learning rate",
        f"{MODELS}/layers.py",
        "F.linear(x, self.weight * self.scale, self.bias)",
        "F.linear(x, self.weight, self.bias)",
        "tests/models/test_layers.py",
    ),
    Fault(
        "noise flickers in evaluation",
        f"{MODELS}/layers.py",
        "ranks.noise_like(x[:, :1]) if self.training else self.fixed.to(x.dtype)",
        "ranks.noise_like(x[:, :1])",
        "tests/models/test_layers.py",
    ),
    Fault(
        "a splice raises the variance of the features",
        f"{MODELS}/generator.py",
        "spliced.flatten(0, 1) * math.sqrt(0.5)",
        "spliced.flatten(0, 1)",
        "tests/models/test_generator.py",
    ),
    Fault(
        "pictures of smaller levels are thrown away",
        f"{MODELS}/generator.py",
        "painted = painted + upfirdn2d(picture, self.fir, up=2, pad=(2, 1))",
        "pass",
        "tests/models/test_generator.py",
    ),
    Fault(
        "identity styles run from large to small",
        f"{MODELS}/generator.py",
        "[min(SCALES - 1, int(math.log2(resolution // side))) for side in sides]",
        "[min(SCALES - 1, int(math.log2(side // 4))) for side in sides]",
        "tests/models/test_generator.py",
    ),
    Fault(
        "the mouth drives the small levels only",
        f"{MODELS}/generator.py",
        "styles[:, i], splice)",
        "styles[:, 0], splice)",
        "tests/models/test_generator.py",
    ),
    Fault(
        "the change of the face is not standardised",
        f"{MODELS}/decoder.py",
        "change: Tensor = self.change(face - per_frame(plan.face, len(face)))",
        "change: Tensor = face - per_frame(plan.face, len(face))",
        "tests/models/test_generator.py",
    ),
    Fault(
        "the portrait moves down for right",
        f"{MODELS}/decoder.py",
        'indexing="xy"',
        'indexing="ij"',
        "tests/models/test_generator.py",
    ),
    Fault(
        "re-sampling correlates instead of convolving",
        "talkface/ops/upfirdn.py",
        "kernel.flip(0, 1)",
        "kernel",
        "tests/ops",
    ),
    Fault(
        "the gain of the leaky ReLU is missing",
        "talkface/ops/bias_act.py",
        " * math.sqrt(2)",
        "",
        "tests/ops",
    ),
    Fault(
        "D_sync takes sound for fake and lips for real",
        GAMES,
        "F.softplus(-sound).mean() + F.softplus(lips).mean()",
        "F.softplus(sound).mean() + F.softplus(-lips).mean()",
        "tests/system/test_adversaries.py",
    ),
    Fault(
        "lips learn from the step of D_sync",
        GAMES,
        'self["sync_gan"](rendering.lips.detach())',
        'self["sync_gan"](rendering.lips)',
        "tests/system/test_adversaries.py",
    ),
    Fault(
        "E_i helps the word adversary in its own step",
        GAMES,
        'self["words"](features.detach())',
        'self["words"](features)',
        "tests/system/test_adversaries.py",
    ),
    Fault(
        "D_seq takes rendered frames for real",
        GAMES,
        "discriminator_loss(real, fake, self.terms.gan.game)",
        "discriminator_loss(fake, real, self.terms.gan.game)",
        "tests/system/test_adversaries.py",
    ),
    Fault(
        "adversaries learn in the phase of the generator",
        PHASES,
        '{"generator": 0, "discriminator": 1}',
        '{"generator": 1, "discriminator": 0}',
        "tests/system/test_talkface.py",
    ),
    Fault(
        "R1 is due in every step",
        STEP,
        "if self.r1 and self.due(self.r1.every) and",
        "if self.r1 and",
        "tests/system/test_talkface.py",
    ),
    Fault(
        "Adam is not corrected for the lazy path length",
        STEP,
        "self.generator_adam.build(rest, lazy)",
        "self.generator_adam.build(rest)",
        "tests/system/test_talkface.py",
    ),
    Fault(
        "the generator learns at the rate of the encoders",
        STEP,
        "self.generator: self.equalized,",
        "self.generator: 1.0,",
        "tests/system/test_talkface.py",
    ),
    Fault(
        "sound alone is trained with the moving face only",
        STEP,
        "torch.where(pick, still, face)",
        "face",
        "tests/system/test_talkface.py",
    ),
    Fault(
        "the number of steps is lost on resume",
        PHASES,
        'self.steps = checkpoint.get("talkface_steps", 0)',
        "self.steps = 0",
        "tests/system/test_talkface.py",
    ),
    Fault(
        "the average of the weights is switched off",
        "configs/demo.yaml",
        "    - class_path: pytorch_lightning.callbacks.EMAWeightAveraging\n"
        "      init_args: {decay: 0.99, use_buffers: true}\n",
        "",
        "tests/system/test_average.py",
    ),
)
