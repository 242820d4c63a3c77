"""The models of the matrix: small members of many families, at small image sizes, with ten classes."""

import timm
import torch
from timm.models.convmixer import ConvMixer
from timm.layers import GatedMlp
from timm.models.efficientformer import EfficientFormer
from timm.models.focalnet import FocalNet
from timm.models.mlp_mixer import Affine, MixerBlock, MlpMixer, ResBlock, SpatialGatingBlock
from timm.models.nasnet import NASNetALarge
import torchvision.models as tv

C = 10


def t(name, **options):
    return lambda: timm.create_model(name, pretrained=False, num_classes=C, **options)


def mixer(**options):
    return lambda: MlpMixer(C, img_size=64, patch_size=16, num_blocks=2, embed_dim=64, **options)


def narrow(make):
    """With linear layers at its end that are not most of its weights, and that take whichever size there is."""

    def made():
        model = make(weights=None, num_classes=C)
        inputs = next(m for m in model.classifier if isinstance(m, torch.nn.Linear)).in_features
        inputs //= model.avgpool.output_size[0] * model.avgpool.output_size[1]
        model.avgpool = torch.nn.AdaptiveAvgPool2d(1)
        model.classifier = torch.nn.Sequential(
            torch.nn.Dropout(),
            torch.nn.Linear(inputs, 64),
            torch.nn.ReLU(),
            torch.nn.Linear(64, C),
        )
        return model

    return made


def first_blocks(name, *sequences):
    """A model of timm with the first block alone of some of its sequences."""

    def made():
        model = t(name)()
        for sequence in sequences:
            setattr(model, sequence, getattr(model, sequence)[:1])
        return model

    return made


def inception_v4():
    """With one block of each kind, but for the stem."""
    model = t("inception_v4")()
    kept, seen = [], set()
    for part in model.features:
        if type(part) not in seen or type(part).__name__ == "ConvNormAct":
            kept.append(part)
        seen.add(type(part))
    model.features = torch.nn.Sequential(*kept)
    return model


def bottlenecks(**options):
    """A ResNet of torchvision with one block in each stage."""
    return lambda: tv.ResNet(tv.resnet.Bottleneck, (1, 1, 1, 1), num_classes=C, **options)


def v(make, **options):
    return lambda: make(weights=None, num_classes=C, **options)


MODELS = [
    # name, family, height and width, constructor
    ("resnet18", "ResNet", 64, v(tv.resnet18)),
    ("resnet50", "ResNet", 64, v(tv.resnet50)),
    ("seresnet18", "SENet", 64, t("legacy_seresnet18")),
    ("skresnet18", "SKNet", 64, t("skresnet18")),
    ("ecaresnet26t", "ECA-Net", 64, t("ecaresnet26t")),
    ("googlenet", "GoogLeNet", 64, v(tv.googlenet, aux_logits=False, init_weights=False)),
    ("mobilenet_v2", "MobileNet", 64, v(tv.mobilenet_v2)),
    ("mobilenet_v3_small", "MobileNet", 64, v(tv.mobilenet_v3_small)),
    ("mobilenet_v3_large", "MobileNet", 64, v(tv.mobilenet_v3_large)),
    ("mobilenetv4_conv_small", "MobileNet", 64, t("mobilenetv4_conv_small")),
    ("mnasnet0_5", "MnasNet", 64, v(tv.mnasnet0_5)),
    ("squeezenet1_1", "SqueezeNet", 64, v(tv.squeezenet1_1)),
    ("shufflenet_v2_x0_5", "ShuffleNet", 64, v(tv.shufflenet_v2_x0_5)),
    ("efficientnet_b0", "EfficientNet", 64, v(tv.efficientnet_b0)),
    ("regnet_y_400mf", "RegNet", 64, v(tv.regnet_y_400mf)),
    ("regnet_x_400mf", "RegNet", 64, v(tv.regnet_x_400mf)),
    ("convnext_atto", "ConvNeXt", 64, t("convnext_atto")),
    ("convnextv2_atto", "ConvNeXt", 64, t("convnextv2_atto")),
    ("ghostnet_050", "GhostNet", 64, t("ghostnet_050")),
    ("repvgg_a0", "RepVGG", 64, t("repvgg_a0")),
    ("dla34", "DLA", 64, t("dla34")),
    ("cspresnet50", "CSPNet", 64, t("cspresnet50")),
    ("ese_vovnet19b_slim", "VoVNet", 64, t("ese_vovnet19b_slim")),
    ("rexnet_100", "ReXNet", 64, t("rexnet_100")),
    ("hardcorenas_a", "HardCoRe-NAS", 64, t("hardcorenas_a")),
    ("lcnet_050", "LCNet", 64, t("lcnet_050")),
    ("tinynet_e", "TinyNet", 64, t("tinynet_e")),
    ("mixnet_s", "MixNet", 64, t("mixnet_s")),
    ("selecsls42", "SelecSLS", 64, t("selecsls42")),
    ("nf_regnet_b0", "NFNet", 64, t("nf_regnet_b0")),
    ("convmixer", "ConvMixer", 32, lambda: ConvMixer(48, 3, patch_size=4, num_classes=C)),
    ("starnet_s050", "StarNet", 64, t("starnet_s050")),
    ("vit_tiny", "ViT", 64, t("vit_tiny_patch16_224", img_size=64, depth=3)),
    ("torchvision_vit", "ViT", 64, lambda: tv.VisionTransformer(64, 16, 2, 3, 48, 96, num_classes=C)),
    ("deit_tiny", "DeiT", 64, t("deit_tiny_patch16_224", img_size=64, depth=3)),
    ("deit3_small", "DeiT", 64, t("deit3_small_patch16_224", img_size=64, depth=2)),
    (
        "swin",
        "Swin",
        64,
        lambda: tv.SwinTransformer([4, 4], 24, [2, 2], [3, 6], [4, 4], num_classes=C),
    ),
    ("mixer", "MLP-Mixer", 64, mixer(block_layer=MixerBlock)),
    ("gmlp", "gMLP", 64, mixer(block_layer=SpatialGatingBlock, mlp_ratio=6, mlp_layer=GatedMlp)),
    ("resmlp", "ResMLP", 64, mixer(block_layer=ResBlock, mlp_ratio=4, norm_layer=Affine)),
    ("cait_xxs24", "CaiT", 64, t("cait_xxs24_224", img_size=64, depth=2)),
    ("xcit_nano", "XCiT", 64, t("xcit_nano_12_p16_224", img_size=64, depth=2)),
    ("pit_ti", "PiT", 64, t("pit_ti_224", img_size=64)),
    ("convit_tiny", "ConViT", 64, t("convit_tiny", img_size=64, depth=2)),
    ("beit", "BEiT", 64, t("beit_base_patch16_224", img_size=64, depth=2, embed_dim=48, num_heads=3)),
    ("poolformer_s12", "PoolFormer", 64, t("poolformer_s12")),
    ("pvt_v2_b0", "PVT", 64, t("pvt_v2_b0")),
    ("twins_svt_small", "Twins", 64, t("twins_svt_small", img_size=64)),
    ("mobilevit_xxs", "MobileViT", 64, t("mobilevit_xxs")),
    ("edgenext_xx_small", "EdgeNeXt", 64, t("edgenext_xx_small")),
    (
        "efficientformer",
        "EfficientFormer",
        224,
        lambda: EfficientFormer((1, 1, 1, 2), (8, 16, 24, 32), num_vit=1, num_classes=C),
    ),
    ("levit_128s", "LeViT", 64, t("levit_128s", img_size=64)),
    ("fastvit_t8", "FastViT", 64, t("fastvit_t8")),
    ("inception_next_atto", "InceptionNeXt", 64, t("inception_next_atto")),
    ("efficientvit_b0", "EfficientViT", 64, t("efficientvit_b0")),
    ("coat_lite_tiny", "CoaT", 64, t("coat_lite_tiny", img_size=64)),
    ("focalnet", "FocalNet", 64, lambda: FocalNet(num_classes=C, depths=(1, 1, 1, 1), embed_dim=24)),
    ("sequencer2d_s", "Sequencer", 64, t("sequencer2d_s", img_size=64)),
    ("alexnet", "AlexNet", 64, narrow(tv.alexnet)),
    ("vgg11", "VGG", 32, narrow(tv.vgg11)),
    ("vgg11_bn", "VGG", 32, narrow(tv.vgg11_bn)),
    ("resnetv2_18", "ResNetV2", 64, t("resnetv2_18")),
    ("resnext14_32x4d", "ResNeXt", 64, bottlenecks(groups=32, width_per_group=4)),
    ("wide_resnet14_2", "Wide ResNet", 64, bottlenecks(width_per_group=128)),
    ("resnest14d", "ResNeSt", 64, t("resnest14d")),
    ("res2net50_14w_8s", "Res2Net", 64, t("res2net50_14w_8s")),
    ("densenet121", "DenseNet", 64, lambda: tv.DenseNet(12, (6, 12, 24, 16), 24, num_classes=C)),
    ("inception_v3", "Inception", 80, v(tv.inception_v3, aux_logits=False, init_weights=False)),
    ("inception_v4", "Inception", 80, inception_v4),
    (
        "inception_resnet_v2",
        "Inception-ResNet",
        80,
        first_blocks("inception_resnet_v2", "repeat", "repeat_1", "repeat_2"),
    ),
    ("xception", "Xception", 64, t("legacy_xception")),
    ("nasnet", "NASNet", 64, lambda: NASNetALarge(C, stem_size=16, num_features=192)),
    ("mobilenetv1_100", "MobileNet", 64, t("mobilenetv1_100")),
    ("dpn48b", "DPN", 64, t("dpn48b")),
    ("hrnet_w18_small", "HRNet", 64, t("hrnet_w18_small")),
]
