"""What the assistant adds to a wish: light, material, composition and mood.

The invariant: an addition names no object, no colour and no number, so it cannot contradict a wish;
those that fit only some pictures say which.
"""

from __future__ import annotations

from dataclasses import dataclass

# Each line: group | when it fits | tag | Chinese tag | phrase | Chinese phrase.  Of a group only
# one is taken.  When: facts of the scene, all of which must hold; "!" in front: must not.
_TABLE = """
light | !night !indoor !underwater !space | soft daylight | 柔和的日光 | soft daylight comes from one side | 柔和的日光从一侧洒下
light | !underwater | soft light | 柔光 | the light is soft and even | 光线柔和而均匀
light | !flat !pixel | rim lighting | 轮廓光 | a thin rim of light sets it off | 一圈轮廓光把主体衬托出来
light | !flat !pixel !night | mellow light | 柔暖光 | mellow light gives it a gentle glow | 柔暖的光线带来淡淡的光晕
light | !flat !pixel | dramatic lighting | 戏剧性光影 | dramatic lighting models every shape | 戏剧性的光影勾勒出每个形体
light | night | dim ambient glow | 幽微的环境光 | a dim ambient glow fills the scene | 幽微的光笼罩着画面
light | night | gentle faint glow | 淡淡微光 | a gentle glow softens the outlines | 轮廓泛着柔和的微光
light | sunset | low slanting light | 低斜的光 | the light is low and mellow | 低斜的光线格外柔暖
light | sunset | soft gradients | 柔和的渐变 | everything fades in soft gradients | 一切都融入柔和的渐变
light | underwater | shimmering light rays | 粼粼光束 | shimmering rays come down from above | 粼粼的光束自上而下
light | space | faint cosmic glow | 微弱的辉光 | a faint cosmic glow outlines the scene | 微弱的辉光勾勒出场景
light | indoor | soft indoor light | 柔和的室内光 | soft indoor light fills the scene | 柔和的室内光充满画面
weather | rain | wet reflections | 湿润的反光 | wet surfaces catch soft reflections | 湿润的表面映着柔和的反光
weather | snow | crisp air | 清冽的气息 | the air is crisp and clear | 气息清冽而透彻
weather | snow | drifting flakes | 飘落的晶粒 | fine flakes drift through the air | 细碎的晶粒缓缓飘落
weather | fog | hazy depth | 朦胧的纵深 | the distance dissolves into haze | 远处消融在朦胧之中
lens | !flat !pixel !painted !drawn | shallow depth of field | 浅景深 | the distance blurs gently out of focus | 远处柔和地虚化
lens | !flat !pixel !painted !drawn | sharp focus | 对焦清晰 | the focus is sharp on the main subject | 焦点清晰地落在主体上
lens | photo | natural colors | 自然的色彩 | the colors look natural and true | 色彩自然而真实
lens | photo | fine grain | 细腻颗粒 | a fine grain keeps it natural | 细腻的颗粒让画面真实
surface | !flat !pixel !drawn | rich texture | 丰富的质感 | every surface has a rich texture | 每个表面都质感丰富
surface | !flat !pixel | intricate details | 精致的细节 | fine details are worked out with care | 细节处刻画精致
surface | furry | soft texture | 柔软的质感 | it looks soft to the touch | 触感看起来格外柔软
surface | furry | lively expression | 生动的神态 | it has a lively expression | 神态生动
surface | feathered | fine plumage | 细腻的羽毛 | its plumage is shown in fine detail | 羽毛刻画得格外细腻
surface | scaly | glistening scales | 晶莹的鳞片 | its scales glisten | 鳞片晶莹发亮
surface | person | expressive look | 生动的表情 | the expression is full of life | 表情沉静而生动
surface | person | natural pose | 自然的姿态 | the pose is relaxed and natural | 姿态放松自然
surface | plant | delicate petals | 娇嫩的花叶 | its delicate forms are clearly visible | 娇嫩的形态清晰可见
surface | plant | fresh dew | 晶莹的露珠 | fresh dew clings to it | 上面沾着晶莹的露珠
surface | food | appetizing look | 令人垂涎 | it looks fresh and appetizing | 看起来鲜美可口
surface | food | glossy surface | 光泽的表面 | its surface is glossy and fresh | 表面鲜润而有光泽
surface | vehicle | polished surface | 抛光的表面 | its polished surface catches the light | 抛光的表面映着光线
surface | vehicle | sense of motion | 动感 | there is a sense of motion | 画面富有动感
surface | building | weathered texture | 斑驳的质感 | its surface shows the marks of time | 表面留着岁月的痕迹
surface | building | elegant architecture | 优雅的建筑 | the architecture is elegant and clear | 建筑线条优雅清晰
surface | thing | clean shapes | 干净的造型 | its shape is clean and clear | 造型干净而清楚
surface | thing | careful craftsmanship | 精湛的工艺 | one can see careful craftsmanship | 可以看出精湛的工艺
medium | painted | visible brushwork | 可见的笔触 | the brushwork stays visible | 笔触清晰可见
medium | painted | soft edges | 柔和的边缘 | the edges melt softly into each other | 边缘柔和地交融
medium | painted | layered pigment | 层叠的颜料 | pigment is laid in thin layers | 颜料薄薄地层层叠加
medium | drawn | confident lines | 流畅的线条 | confident lines describe the forms | 流畅的线条勾勒形体
medium | drawn | light hatching | 轻柔的排线 | light hatching suggests the volume | 轻柔的排线衬出体积
medium | flat | bold shapes | 利落的造型 | the shapes are bold and clear | 造型利落而简洁
medium | flat | limited palette | 有限的色调 | the palette is limited and harmonious | 色调有限而和谐
medium | flat | clean edges | 干净的边缘 | all edges are clean | 所有边缘都很干净
medium | pixel | crisp pixels | 清晰的颗粒 | every pixel is crisp | 每个颗粒都清晰
medium | pixel | limited palette | 有限的色调 | the palette is limited and well chosen | 色调精简而考究
medium | render | smooth shading | 平滑的过渡 | the shading is smooth and clean | 光影过渡平滑干净
medium | render | global illumination | 全局光照 | light bounces softly between the surfaces | 光线在表面之间柔和反射
medium | anime | expressive linework | 灵动的线条 | the linework is clean and expressive | 线条干净而灵动
medium | anime | cel shading | 赛璐璐上色 | cel shading keeps the forms clear | 赛璐璐上色使形体清楚
frame | | centered composition | 居中构图 | the composition is centered and still | 构图居中而沉稳
frame | | balanced composition | 均衡的构图 | the composition is well balanced | 构图格外均衡
frame | !alone | close-up view | 近景 | it is seen from close by | 以近景呈现
frame | | low angle | 低角度 | it is seen from a low angle | 以低角度呈现
frame | outdoor | wide shot | 远景 | a wide view lets it breathe | 开阔的视野让画面舒展
frame | | straight view | 平视 | it is seen straight on | 以平视角度呈现
frame | | uncluttered layout | 画面简洁 | nothing distracts from the subject | 没有任何东西分散注意力
mood | !sad !dark | gentle mood | 柔和的氛围 | the mood is gentle | 氛围柔和恬淡
mood | !sad !dark | playful mood | 俏皮的氛围 | the mood is light and playful | 氛围轻松俏皮
mood | | dreamy atmosphere | 梦幻的氛围 | the atmosphere is dreamy | 氛围如梦似幻
mood | sad | gentle melancholy | 淡淡的忧伤 | a gentle melancholy fills the scene | 画面笼罩着淡淡的忧伤
mood | dark | brooding mood | 深沉的氛围 | the mood is brooding | 氛围深沉
mood | !sad | storybook charm | 童话般的魅力 | it has the charm of a storybook | 带着童话般的魅力
mood | outdoor | sense of depth | 层次分明 | layers lead the gaze into the distance | 层次把目光引向远处
tone | | harmonious colors | 和谐的色彩 | the colors are in harmony | 色彩和谐统一
tone | !flat !pixel | subtle contrast | 细腻的对比 | the contrast is subtle | 对比细腻
tone | | vivid colors | 鲜明的色彩 | the colors are vivid and clear | 色彩鲜明而清澈
"""

# What stays as it is when a picture is edited.
KEPT = (
    ("keep everything else unchanged", "其余部分保持不变"),
    ("keep the composition", "保持构图"),
    ("same lighting", "光线不变"),
    ("same viewpoint", "视角不变"),
    ("keep the pose", "姿势不变"),
    ("keep the other colors", "其他颜色不变"),
    ("blend it in naturally", "自然融合"),
    ("match the existing style", "与原有风格一致"),
    ("same level of detail", "细节程度一致"),
    ("keep the proportions", "比例不变"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Detail:
    """One addition in four forms."""

    group: str
    needs: frozenset[str]
    excludes: frozenset[str]
    tags: tuple[str, str]  # English, Chinese
    prose: tuple[str, str]

    def fits(self, facts: frozenset[str]) -> bool:
        """Whether it goes with a scene of which these facts hold."""
        return self.needs <= facts and not self.excludes & facts


def _read(line: str) -> Detail:
    group, when, tag, tag_zh, phrase, phrase_zh = (part.strip() for part in line.split("|"))
    words = when.split()
    return Detail(
        group=group,
        needs=frozenset(word for word in words if word[0] != "!"),
        excludes=frozenset(word[1:] for word in words if word[0] == "!"),
        tags=(tag, tag_zh),
        prose=(phrase, phrase_zh),
    )


DETAILS = tuple(_read(line) for line in _TABLE.strip().splitlines())
