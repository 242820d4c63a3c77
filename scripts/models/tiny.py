"""Tiny members of families of models, at 32 pixels or little more, for the test suite."""

import functools

import timm.models as tm
import torch
import torchvision.models as tv
from timm.layers import BatchNormAct2d, ConvNormAct, GatedMlp, create_conv2d
from timm.models._efficientnet_blocks import SqueezeExcite
from timm.models._efficientnet_builder import decode_arch_def
from timm.models.convmixer import ConvMixer
from timm.models.efficientformer import Attention, EfficientFormer
from timm.models.inception_resnet_v2 import Block35
from timm.models.inception_v4 import InceptionA as InceptionV4A
from timm.models.inception_v4 import ReductionA
from timm.models.inception_next import InceptionDWConv2d, MetaNeXt
from timm.models.metaformer import GroupNorm1, Pooling
from timm.models.mlp_mixer import Affine, ResBlock, SpatialGatingBlock
from timm.models.pit import PoolingVisionTransformer
from timm.models.pvt_v2 import PyramidVisionTransformerV2
from timm.models.rexnet import LinearBottleneck
from timm.models.selecsls import SelecSls, SelecSlsBlock
from timm.models.xception import Block as XceptionBlock
from torch import nn
from torchvision.models.googlenet import Inception
from torchvision.models.inception import BasicConv2d, InceptionA, InceptionC
from torchvision.models.mnasnet import _stack

C = 10


def resnet():
    class Narrow(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv1 = nn.Conv2d(3, 8, 3, 2, 1, bias=False)
            self.bn1 = nn.BatchNorm2d(8)
            self.pool = nn.MaxPool2d(3, 2, 1)
            self.layer1 = tv.resnet.BasicBlock(8, 8)
            down = nn.Sequential(nn.Conv2d(8, 12, 1, 2, bias=False), nn.BatchNorm2d(12))
            self.layer2 = tv.resnet.BasicBlock(8, 12, 2, down)
            self.fc = nn.Linear(12, C)

        def forward(self, x):
            x = self.pool(torch.relu(self.bn1(self.conv1(x))))
            x = nn.functional.adaptive_avg_pool2d(self.layer2(self.layer1(x)), 1)
            return self.fc(torch.flatten(x, 1))

    return Narrow()


def mobilenet():
    Config = tv.mobilenetv3.InvertedResidualConfig
    settings = [
        Config(8, 3, 8, 8, True, "RE", 2, 1, 1.0),
        Config(8, 5, 16, 8, True, "HS", 1, 1, 1.0),
        Config(8, 3, 16, 12, False, "HS", 2, 1, 1.0),
    ]
    return tv.MobileNetV3(settings, 24, num_classes=C)


def sequence(*layers):
    """Layers of a library in a row, with a head of their own."""

    def made():
        parts = [make() for make in layers]
        with torch.no_grad():
            channels = nn.Sequential(*parts).eval()(torch.zeros(1, 3, 32, 32)).shape[1]
        return nn.Sequential(*parts, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(channels, C))

    return made


def stem(channels, stride=2):
    return lambda: nn.Sequential(
        nn.Conv2d(3, channels, 3, stride, 1, bias=False), nn.BatchNorm2d(channels), nn.ReLU()
    )


def efficient(*blocks, kind=tm.EfficientNet, **options):
    """A network of timm's builder for mobile networks."""
    return lambda: kind(
        decode_arch_def([[one] for one in blocks]), num_classes=C, stem_size=8, num_features=16, **options
    )


def divided(kind, by=16):
    """A layer of an Inception with a fraction of its channels, all of which are fixed."""
    return lambda inputs, outputs, *rest, **options: kind(inputs // by, outputs // by, *rest, **options)


def inception_resnet():
    made = Block35(0.17, divided(ConvNormAct))
    made.conv2d = nn.Conv2d(8, 20, 1)
    return made


def alexnet():
    return nn.Sequential(
        nn.Conv2d(3, 8, 11, 4, 2),
        nn.ReLU(True),
        nn.MaxPool2d(3, 2),
        nn.Conv2d(8, 12, 5, padding=2),
        nn.ReLU(True),
        nn.Flatten(),
        nn.Dropout(),
        nn.Linear(12 * 3 * 3, 16),
        nn.ReLU(True),
        nn.Linear(16, C),
    )


def efficientformer():
    """Its attention is made for 7 by 7 positions, whatever size it is given."""
    model = EfficientFormer(
        (1, 1, 1, 2),
        (8, 12, 12, 12),
        num_classes=C,
        downsamples=(False, True, False, False),
        num_vit=1,
        mlp_ratios=2,
        layer_scale_init_value=0.1,
    )
    for module in model.modules():
        if isinstance(getattr(module, "token_mixer", None), Attention):
            module.token_mixer = Attention(12, 4, 2, 2, 4)
    return model


def byob(**options):
    blocks = options.pop("blocks")
    return lambda: tm.ByobNet(tm.byobnet.ByoModelCfg(blocks=blocks, **options), num_classes=C)


def block(kind, depth=1, channels=8, stride=2, **options):
    return tm.byobnet.ByoBlockCfg(type=kind, d=depth, c=channels, s=stride, gs=0, br=0.5, **options)


def small(kind, **options):
    return lambda: kind(num_classes=C, **options)


def resnet_of(block, channels, **options):
    """A ResNet of timm with one block in each stage."""
    return small(tm.ResNet, block=block, layers=(1, 1, 1, 1), channels=channels, **options)


def mixer(blocks, **options):
    return small(tm.MlpMixer, img_size=32, patch_size=8, num_blocks=blocks, embed_dim=12, **options)


def vit(kind, **options):
    sizes = {"img_size": 32, "patch_size": 8, "embed_dim": 12, "depth": 2, "num_heads": 3, "mlp_ratio": 2}
    return small(kind, **sizes, **options)


DLA = {"levels": (1, 1, 1, 1, 1, 1), "channels": (4, 4, 8, 8, 8, 8)}
REGNET = tm.regnet.RegNetCfg(depth=6, w0=8, wa=8.0, wm=2.0, group_size=4, se_ratio=0.25, stem_width=8)
NFNET = tm.nfnet.NfCfg(
    depths=(1, 1),
    channels=(8, 16),
    stem_type="3x3",
    stem_chs=8,
    group_size=4,
    num_features=16,
    attn_layer="se",
    attn_kwargs={"rd_ratio": 0.5},
)
CSPNET = tm.cspnet.CspModelCfg(
    stem=tm.cspnet.CspStemCfg(out_chs=8),
    stages=tm.cspnet.CspStagesCfg(
        depth=(1,),
        out_chs=(16,),
        stride=(2,),
        block_ratio=(0.5,),
        bottle_ratio=(0.5,),
        expand_ratio=(1.0,),
    ),
)
VOVNET = {
    "stem_chs": (8, 8, 8),
    "stage_conv_chs": (4, 4, 4, 4),
    "stage_out_chs": (8, 8, 8, 8),
    "layer_per_block": 2,
    "block_per_stage": (1, 1, 1, 1),
    "residual": True,
    "depthwise": False,
    "attn": "ese",
}
MOBILEVIT = block(
    "mobilevit",
    stride=1,
    block_kwargs={"transformer_dim": 8, "transformer_depth": 1, "patch_size": 2, "num_heads": 2, "mlp_ratio": 2},
)
SELECSLS = {
    "block": SelecSlsBlock,
    "features": [(32, 0, 8, 8, True, 2), (8, 8, 8, 12, False, 1)],
    "head": [(12, 16, 3, 2)],
    "num_features": 16,
    "feature_info": [{"num_chs": 12, "reduction": 4, "module": "features.1"}],
}
HARD = functools.partial(SqueezeExcite, gate_layer="hard_sigmoid", force_act_layer=nn.ReLU)
SELECTIVE = {"rd_ratio": 0.25, "rd_divisor": 4, "split_input": True}
NARROW = (4, 4, 4, 8)
T, D = "torchscript", "dynamo"

# name, height and width, constructor, exporters and whether they export for training
FIXTURES = [
    ("resnet", 32, resnet, [(T, True), (T, False), (D, False)]),
    ("mobilenet", 32, mobilenet, [(T, True), (D, True)]),
    ("vit", 32, vit(tm.VisionTransformer), [(T, True), (D, False)]),
    (
        "swin",
        32,
        lambda: tv.SwinTransformer([2, 2], 8, [2, 2], [2, 2], [4, 4], mlp_ratio=2, num_classes=C),
        [(T, False), (D, True)],
    ),
    ("convnext", 32, small(tm.ConvNeXt, depths=(1, 1, 1, 1), dims=(8, 12, 16, 20)), [(T, True)]),
    (
        "senet",
        32,
        resnet_of(tm.resnet.BasicBlock, (8, 8, 8, 12), stem_width=8, block_args={"attn_layer": "se"}),
        [(D, False)],
    ),
    (
        "sknet",
        32,
        resnet_of(
            tm.sknet.SelectiveKernelBasic,
            (8, 8, 8, 12),
            block_args={"sk_kwargs": SELECTIVE},
            zero_init_last=False,
        ),
        [(T, True)],
    ),
    (
        "ecanet",
        32,
        resnet_of(
            tm.resnet.Bottleneck,
            NARROW,
            stem_type="deep_tiered",
            stem_width=4,
            block_args={"attn_layer": "eca"},
        ),
        [(D, False)],
    ),
    (
        "resnest",
        32,
        resnet_of(
            tm.resnest.ResNestBottleneck,
            NARROW,
            avg_down=True,
            block_args={"radix": 2, "avd": True, "avd_first": False},
        ),
        [(T, True)],
    ),
    (
        "res2net",
        32,
        resnet_of(tm.res2net.Bottle2neck, (8, 8, 8, 8), base_width=14, block_args={"scale": 4}),
        [(T, False)],
    ),
    (
        "resnext",
        32,
        resnet_of(tm.resnet.Bottleneck, (8, 8, 8, 8), cardinality=4, base_width=16),
        [(D, False)],
    ),
    (
        "resnetv2",
        32,
        small(
            tm.ResNetV2,
            layers=(1, 1),
            channels=(8, 16),
            stem_chs=8,
            norm_layer=BatchNormAct2d,
            conv_layer=create_conv2d,
        ),
        [(T, True)],
    ),
    ("googlenet", 32, sequence(stem(8), lambda: Inception(8, 4, 4, 8, 4, 8, 4)), [(T, False)]),
    (
        "squeezenet",
        32,
        sequence(stem(8), lambda: tv.squeezenet.Fire(8, 4, 8, 8), lambda: nn.MaxPool2d(3, 2, ceil_mode=True)),
        [(T, True)],
    ),
    ("shufflenet", 32, lambda: tv.ShuffleNetV2([1, 1, 1], [8, 16, 16, 24, 24], num_classes=C), [(T, True)]),
    ("densenet", 32, lambda: tv.DenseNet(4, (2, 2), 8, num_classes=C), [(T, True), (D, False)]),
    ("regnet", 32, small(tm.RegNet, cfg=REGNET), [(T, True)]),
    ("nfnet", 32, small(tm.NormFreeNet, cfg=NFNET), [(T, True)]),
    ("ghostnet", 32, small(tm.GhostNet, cfgs=[[[3, 8, 8, 0, 1]], [[5, 16, 12, 0.25, 2]]]), [(D, False)]),
    ("repvgg", 32, byob(blocks=(block("rep", 2), block("rep", 1, 12)), stem_type="3x3", stem_chs=8), [(T, True)]),
    ("dla", 32, small(tm.DLA, **DLA), [(T, False)]),
    ("cspnet", 32, small(tm.CspNet, cfg=CSPNET), [(T, True)]),
    ("vovnet", 32, small(tm.VovNet, cfg=VOVNET), [(T, True)]),
    ("mixnet", 32, efficient("ds_r1_k3_s1_e1_c8", "ir_r1_k3.5.7_a1.1_p1.1_s2_e4_c12_se0.5_nsw"), [(T, True)]),
    (
        "efficientnet",
        32,
        efficient("ds_r1_k3_s1_e1_c8_se0.25", "ir_r1_k5_s2_e3_c12_se0.25", act_layer=nn.SiLU),
        [(D, False)],
    ),
    ("convmixer", 32, small(ConvMixer, dim=12, depth=2, kernel_size=5, patch_size=4), [(T, True)]),
    ("starnet", 32, small(tm.StarNet, base_dim=4, depths=(1, 1, 1, 1)), [(D, False)]),
    ("mixer", 32, mixer(2), [(T, True)]),
    ("gmlp", 32, mixer(1, mlp_ratio=4, block_layer=SpatialGatingBlock, mlp_layer=GatedMlp), [(D, True)]),
    ("resmlp", 32, mixer(1, mlp_ratio=2, block_layer=ResBlock, norm_layer=Affine), [(T, False)]),
    ("cait", 32, vit(tm.Cait, depth_token_only=1), [(T, True)]),
    (
        "xcit",
        32,
        small(
            tm.Xcit,
            img_size=32,
            patch_size=8,
            embed_dim=12,
            depth=1,
            num_heads=2,
            cls_attn_layers=1,
            mlp_ratio=2,
            eta=1.0,
        ),
        [(D, False)],
    ),
    (
        "pit",
        32,
        lambda: PoolingVisionTransformer(
            32, 8, 4, "overlap", (4, 4, 4), (1, 1, 1), (1, 2, 2), 2, num_classes=C
        ),
        [(T, True)],
    ),
    ("convit", 32, vit(tm.ConVit, local_up_to_layer=1, use_pos_embed=True), [(T, True)]),
    ("beit", 32, vit(tm.Beit, init_values=0.1, use_abs_pos_emb=False, use_rel_pos_bias=True), [(T, True)]),
    ("deit", 32, vit(tm.VisionTransformerDistilled), [(D, False)]),
    (
        "poolformer",
        32,
        small(
            tm.MetaFormer,
            depths=(1, 1),
            dims=(8, 12),
            token_mixers=Pooling,
            mlp_act=nn.GELU,
            mlp_bias=True,
            norm_layers=GroupNorm1,
        ),
        [(T, True)],
    ),
    (
        "pvt",
        32,
        small(
            PyramidVisionTransformerV2,
            depths=(1, 1),
            embed_dims=(8, 12),
            num_heads=(1, 2),
            sr_ratios=(2, 1),
            mlp_ratios=(2.0, 2.0),
        ),
        [(T, False)],
    ),
    (
        "twins",
        32,
        small(
            tm.Twins,
            img_size=32,
            embed_dims=(8, 12),
            num_heads=(2, 2),
            mlp_ratios=(2, 2),
            depths=(2, 1),
            sr_ratios=(2, 1),
            wss=(4, 4),
        ),
        [(T, True)],
    ),
    (
        "edgenext",
        64,
        small(
            tm.EdgeNeXt,
            dims=(8, 12, 16, 16),
            depths=(1, 1, 1, 1),
            d2_scales=(2, 2, 3, 4),
            heads=(2, 2, 2, 2),
            expand_ratio=2,
        ),
        [(T, True)],
    ),
    (
        "levit",
        32,
        small(tm.Levit, img_size=32, embed_dim=(16, 16), key_dim=4, depth=(1, 1), num_heads=(2, 2)),
        [(T, True)],
    ),
    (
        "fastvit",
        32,
        small(
            tm.FastVit,
            layers=(1, 1),
            embed_dims=(8, 16),
            token_mixers=("repmixer", "repmixer"),
            mlp_ratios=(2, 2),
            downsamples=(True, True),
        ),
        [(T, False)],
    ),
    (
        "inception_next",
        32,
        small(MetaNeXt, depths=(1, 1), dims=(16, 16), token_mixers=InceptionDWConv2d, mlp_ratios=(2, 2)),
        [(T, True)],
    ),
    (
        "efficientvit",
        32,
        small(tm.EfficientVit, widths=(8, 8, 16), depths=(1, 1, 1), head_dim=8, head_widths=(16, 16)),
        [(T, True)],
    ),
    (
        "coat",
        32,
        small(
            tm.CoaT,
            img_size=32,
            patch_size=4,
            embed_dims=(8, 8, 8, 8),
            serial_depths=(1, 1, 1, 1),
            num_heads=2,
            mlp_ratios=(2, 2, 2, 2),
            crpe_window={3: 2},
        ),
        [(D, False)],
    ),
    ("mobilevit", 32, byob(blocks=(block("rep"), MOBILEVIT), stem_type="3x3", stem_chs=8), [(T, False)]),
    ("xception", 32, sequence(stem(8), lambda: XceptionBlock(8, 12, 2, 2)), [(D, True)]),
    ("focalnet", 32, small(tm.FocalNet, depths=(1, 1), embed_dim=8, focal_levels=(2, 2)), [(T, True)]),
    ("alexnet", 32, alexnet, [(T, True), (D, False)]),
    ("vgg", 32, sequence(lambda: tv.vgg.make_layers([8, "M", 12, "M", 16], True)), [(D, False)]),
    ("wide_resnet", 32, resnet_of(tm.resnet.Bottleneck, (4, 4, 4, 4), base_width=128), [(T, True)]),
    ("mnasnet", 32, sequence(stem(8), lambda: _stack(8, 12, 5, 2, 3, 2, 3e-4)), [(T, True)]),
    (
        "lcnet",
        32,
        efficient(
            "dsa_r1_k3_s1_c8",
            "dsa_r1_k5_s2_c12_se0.25",
            kind=tm.MobileNetV3,
            act_layer=nn.Hardswish,
            se_layer=HARD,
        ),
        [(D, False)],
    ),
    (
        "hardcorenas",
        32,
        efficient(
            "ds_r1_k3_s1_e1_c8_nre",
            "ir_r1_k5_s2_e3_c12_nre_se0.25",
            "ir_r1_k5_s1_e3_c12_se0.25",
            "cn_r1_k1_s1_c16",
            kind=tm.MobileNetV3,
            act_layer=nn.Hardswish,
            se_layer=HARD,
        ),
        [(T, True)],
    ),
    (
        "tinynet",
        32,
        efficient("ds_r1_k3_s1_e1_c8_se0.25", "ir_r1_k3_s2_e4_c16_se0.25", act_layer=nn.SiLU),
        [(T, False)],
    ),
    (
        "rexnet",
        32,
        sequence(
            stem(8),
            lambda: LinearBottleneck(8, 10, stride=2, exp_ratio=4, se_ratio=0.5),
            lambda: LinearBottleneck(10, 12, stride=1, exp_ratio=4, se_ratio=0.5),
        ),
        [(D, False)],
    ),
    ("selecsls", 32, small(SelecSls, cfg=SELECSLS), [(T, True)]),
    (
        "inception",
        32,
        sequence(
            stem(12),
            lambda: InceptionA(192, 32, divided(BasicConv2d)),
            lambda: nn.Conv2d(16, 48, 1),
            lambda: InceptionC(768, 64, divided(BasicConv2d)),
            lambda: nn.Conv2d(48, 24, 1),
            lambda: InceptionV4A(divided(functools.partial(ConvNormAct, padding=0))),
            lambda: ReductionA(divided(functools.partial(ConvNormAct, padding=0))),
        ),
        [(T, True)],
    ),
    ("inception_resnet", 32, sequence(stem(20), inception_resnet), [(D, False)]),
    ("efficientformer", 32, efficientformer, [(T, True)]),
]
