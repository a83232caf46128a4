"""Colours that mean something: colour maps for magnitudes, and one colour for each head, as in the browser half."""

from __future__ import annotations

import base64
from functools import cache
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

ColorMap = Literal["viridis", "magma", "cividis", "gray"]
COLOR_MAPS: tuple[ColorMap, ...] = get_args(ColorMap)

INK = (26, 26, 26)
"""Text."""
SUBTLE = (96, 96, 96)
"""Text of less weight: subtitles."""
FAINT = (138, 138, 138)
"""Text and lines that stand back: special tokens, padding, frames."""
PAPER = (255, 255, 255)
MISSING = ((224, 224, 224), (158, 158, 158))
"""Ground and stripes of the hatching that stands for what is not a number."""

# 256 colours of 3 bytes each, base85, so that a still needs no matplotlib: viridis and magma by Smith and van der Walt
# (2015), cividis by Nuñez, Anderton and Renslow (2018), as matplotlib has them.
_TABLES: dict[str, str] = {
    "viridis": (
        "L;+Mp0#-!?S49O`Mh99(2wX-AT}BIDM-5;{4q-<SV@DBWM-yd86lX{lXh;`nNEm8J8f-`#ZAct$NF8rTA8<$@aY!L^NF#JeBy~t7c1R|7NGN"
        "znDS1aKdPgjJM=g6tE__EXeMT^TMlyazGk-=jfJHTdMK^&(ID$kugG4%mL_35-J%mF(g+f1tLO_N>L54v>he1S#Kt+f^Mu<O0h(Ab)K1qo_N"
        "{K#9iakw=Jx+=|Pl`NHi#t(^J5q}}Q;RxOj5$?|IaZ7~Sd2JXj5k`0H(QN1T#YtejWu44HD8T1V2w0kjWc46Gh>Z1WR5arjxlDAF=vi3XpS&"
        "xjxcJDFKdo3Y>qB%jxKJFE^m%4aE>i;jx2GGEOL%4bB-%?jw^MJDt3-4caAD}jwyMLDSD16dyXi4jwpSOCw`76e~u@BjwXSQCW4M8f{rDFjw"
        "OVSC54V8hK?kMjw6VUBZ-b9ij5+RjUtSVB8`n9j*TIYjUkYYA(4zAl8hjdj3ASYAC!zAm5U#iiyxPZADD|DnTj8piXNMa9-N6Dorxcwi65Vc"
        "AE1aIp@<)$haaMcAftvLq=q4-g(0SeBBzBSsDvY_gCwehC98rZtb!)3fhVnjD6W7huYW4Ae=M<nEwX(svwSbKd@;3qGPZg&ws|$Tc{jLtIJt"
        "K^x^_Febv?XvKfH55y>ddnaYVmxM!;`K!EQ>yZA`*!PQz<Z#A;H-X;j5%R>o&o$7Nc`WL(H&Uddu$%3x#5UuDZ)XUtq_&0B2ET5ir*aL-qB&"
        "{lQORCm!+deKpQ(olcXPJz=+gw#uh)k%rfNQ>4+j@Ctx*F%%nL6z7*nAkp>**u-uJD}P*qS`m5+cv1%G^*S(t=urM-7m7;Ew$b&xZWwc-YC7"
        "_Ccxh%!rvps;33H1Aj;t%&EXx;;T+Q98`a_(*y0)5;~CxK7~kU<;^Y|R<QeDW8S3R4?ByHp<s9+l9rWfN_U0h?<{|s%BmL(k"
    ),
    "magma": (
        "000C500jX71_1#G0s#pE0t*5H4FdxY0|OES1QZ1X76t_v1_c@i1{??n9tj5^3J4+#2_y^&CJhQH4ht&~3oQ{0FA@zg6Ad&J4mK4II2I2(7!N"
        "%e5I-6aLL3l89T7(!5lJ8sOCb?XA`ws|5>q7-RVNZyDG^#K5nL=0Uo8<~FA-xg5oI$FXEYFLHV|t#5NtUQZaWWfJr8j|4{|^cbV3hxL=SdF5"
        "O+rqcu5d=N)UNW5qeG$druO3Q4)Mo6MR$?eO45GR~3F)6@FS4eq0uRT^D~}7=K_GfMOYdWEy~F8h~dTfM^_nY8-)U9f55ffo>jwa36tkAAxf"
        "qfpsB)b|HayB7u1#f_o!^d?SK>B!Yk?f`KK0gC>E5CV_@0frux8i70`KDS?bBfsQJHkSc+ZD}j?MfRrqNmMnmnEr6LVfSWFVoGyQ!FMpsff1"
        "xmbqcDD@F@B~oeW)^hsxy77GkmQye6BQmur+(KHG8u*dbKusw>NpXH+i}^c)U4yy*YQkI(NW2cEUS##5{GyJaorBbI3k(%06<;KXJ`KanC?-"
        "&_Qp~LT}SUZq-C>)<taCMQqtdYuiU^+(>EONoe0nXy8m|;!S4bPG#gzWaUs~=Tc+nQ)1~<V(M05>sMgxSYYj1U+!C8?_FN-UtaNGUGidG@?>"
        "1|WnA=UT=Z#N^=n-AY+UwkT=#HX_i|kLbX@p$T={ri`FUOWdtLf{UiyDt`hj2jgJ1iFVEcz*{E1=wiemhXWBiU}{E%h+l4kvsXZ@CF{g`R}n"
        "ri)<YyO>V{-16Bp>F=8Z~mom{-<*OsdN6SbpEV%{;qfauz3Emdj7O~{<eJnw|@S)fBw6H{=I_!zl8q5h5o{a{=|s>#)|&PjQ+}v{>+d5&5-`"
        "jlK#<@{?nEI)tCO)nf}<C{o0)U+@Ag3p#9*X{o<qj<E8!Or~T)t{pqUx>#Y3juKez>{P42;^0fT)w*2<E{P(&1`Mdo4z5M;Z"
    ),
    "cividis": (
        "03uERBToP%Q2-@V03}oaCRP9^SO6$l04Q4kDO~_6UjQm$04rhuEMx#IW&kZ{04{0(E^GiVZ2&ND05EU>F>nAeaRD-M1v7C7GjI$va1S+b5;b"
        "rXHgFa<a2Pjl8aQtpId2|1Zy-8vAv<m(JZ>aBZYDi$Cq8Z|KW-{NZ7V=+EkSKAL2WNWZ81Y_GDB@ML~S%hY&At}Hb!hXM{GGrY&uA6J4tLjN"
        "^Ct!Y(7hDKTK>uOl(0-Y(h?KLr!c&Pi#d{Y(`ORM^S7@Qfx_6Y)VsXOH^!3RcuXFY))2ePgiVES8P#OZBkinQ(A3QT5VNZZB<-tR$OgYU2Rx"
        "iZCPG!T3>EkU~XJtZe3w+USe)uV{cz$Z(w9^VP$V(Wp86<aAaq2WoU3^XmDm}aA#_9Xlik3YjJ99acgaIY;AIEZgOpJa&B*PZ*X&PadUBUba"
        "HZZa&vTZbaixeb#--hc6N4mcXoGocX)Vrd3kqwdU$(!czk<!eSCO+e0Y9+cz=F)fPZ*_e|Um`d4qv@go1g6f_a96d545}h=q8Gg?NgFc#DU4"
        "jEH!Rh<J{Pc#n#Bkc)Vci+GZZc#@5Hla6?lj(3%hcb1TMmyvgvl6RSscbb!So0N8(m3Ez#cAl1YpO<x@n029<b)uPdqndQ2n{=g|bf%nir=4"
        "@Co^z?6bE=?otDthMp>nOFa;~FsucUFXrE#&PaI>axw5M;isBgBZZ?~y#xT<cst8KchZM&^)ysm7$u57-qYrn8-z_Dt<vTDM!X~VN=#I$I|w"
        "P?n+XUDf^$hc<7xn;|_Wz4!{&AVgHykpP3V$i-~(Z6BRz+ltBU(~^0)xuuZ!(G?JT-n83+QwVk$6DOTS>4E3-pN?s%2(jaR^iN5;>}d#&Qs;"
        "jQs&T6=h0B;(ogBrPU_Q4>(oo_)k^NxN$=N4@YqK2*+uf&MDyE1_1r=B-9Pu<KKS1}`QSSH;W+%_HvQu?{^T_N<u(51HvZ^1"
    ),
}


@cache
def color_table(name: ColorMap) -> NDArray[np.uint8]:
    """The 256 colours of a map, `[256, 3]`, from zero to the maximum; read-only."""
    if name == "gray":
        table = np.repeat(np.arange(256, dtype=np.uint8)[:, None], 3, axis=1)
        table.flags.writeable = False
        return table
    if name not in _TABLES:
        raise ValueError(f'colors="{name}", but the colour maps are {", ".join(COLOR_MAPS)}')
    return np.frombuffer(base64.b85decode(_TABLES[name]), dtype=np.uint8).reshape(256, 3)


# Okabe & Ito (2008), ordered so that the first ones stand out on white and on black; black gave way to grey.
_OKABE_ITO = (
    (0, 114, 178),
    (213, 94, 0),
    (0, 158, 115),
    (204, 121, 167),
    (230, 159, 0),
    (86, 180, 233),
    (153, 153, 153),
    (240, 228, 66),
)

# Heads beyond the eighth get the same hues again, darker, and then lighter.
_CYCLES = ((0, 0.0), (0, 0.38), (255, 0.48))


def head_color(head: int) -> tuple[int, int, int]:
    """The colour of a head, in every widget and figure: red, green and blue from 0 to 255."""
    toward, amount = _CYCLES[head // len(_OKABE_ITO) % len(_CYCLES)]
    # Half rounds up, as in the browser.
    red, green, blue = (int(part + amount * (toward - part) + 0.5) for part in _OKABE_ITO[head % len(_OKABE_ITO)])
    return red, green, blue


def unit(color: tuple[int, int, int]) -> tuple[float, float, float]:
    """A colour with parts from 0 to 1, as matplotlib has it."""
    red, green, blue = color
    return red / 255, green / 255, blue / 255
