"""Example filings in Chinese, the same at every run: what `examples/cases.jsonl` holds and the demo files.

All people, numbers and addresses are invented; the phone numbers are of a shape that is not given out.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

SEED = 20261105
COUNT = 300
LAST_DELIVERY = datetime(2026, 11, 4, 12, tzinfo=UTC)
"""Fixed, so that the file never changes; in the past, so that no filing comes from the future."""

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Goods:
    """Something that is sold: its title, category, price range in fen, and what can be wrong with it."""

    title: str
    category: str
    low: int
    high: int
    defects: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Grievance:
    """One kind of case: its type and reason, what is asked for, how buyers put it, and how often it comes.

    `{title}` and `{defect}` are filled in. `categories` empty: any. `share` of the price is claimed;
    None: no amount is asked. `delivered`: whether the goods arrived.
    """

    case_type: str
    reason: str
    remedies: tuple[str, ...]
    statements: tuple[str, ...]
    weight: int
    categories: tuple[str, ...] = ()
    share: float | None = 1.0
    delivered: bool = True
    promise: str | None = None


GOODS = (
    Goods("加厚羽绒服", "clothing", 29900, 89900, ("拉链坏了", "领口跑绒", "左袖开线")),
    Goods("羊毛大衣", "clothing", 39900, 129900, ("起球严重", "扣子掉了两颗", "里衬撕裂")),
    Goods("纯棉四件套", "home_textile", 15900, 45900, ("被套缝线脱开", "洗一次就褪色", "尺寸短了二十厘米")),
    Goods("运动跑鞋", "shoes", 19900, 69900, ("鞋底开胶", "左右脚大小不一", "鞋面有划痕")),
    Goods("真皮女靴", "shoes", 25900, 79900, ("鞋跟松动", "内里掉色", "拉链拉不上")),
    Goods("蓝牙耳机", "electronics", 9900, 59900, ("左耳没有声音", "充不进电", "连接反复断开")),
    Goods("机械键盘", "electronics", 19900, 69900, ("空格键失灵", "灯光不亮", "多个键连击")),
    Goods("电饭煲", "appliance", 19900, 89900, ("内胆涂层脱落", "不加热", "面板按键失灵")),
    Goods("空气炸锅", "appliance", 24900, 69900, ("旋钮断了", "运行时有焦味", "温度一直上不去")),
    Goods("扫地机器人", "appliance", 99900, 329900, ("无法回充", "主刷不转", "地图总是丢失")),
    Goods("智能手机", "digital", 149900, 599900, ("屏幕有亮线", "电池鼓包", "摄像头无法对焦")),
    Goods("平板电脑", "digital", 129900, 459900, ("触屏失灵", "边框有磕碰", "开机反复重启")),
    Goods("玻尿酸面霜", "cosmetics", 8900, 39900, ("开盖有异味", "膏体分层", "封口膜已被揭开")),
    Goods("持妆粉底液", "cosmetics", 12900, 42900, ("色号与标示不符", "泵头压不出", "瓶身漏液")),
    Goods("婴儿推车", "baby", 39900, 159900, ("前轮卡死", "安全带扣不上", "车架有裂纹")),
    Goods("坚果礼盒", "food", 6900, 19900, ("有哈喇味", "里面有活虫", "包装胀气")),
    Goods("五常大米 10kg", "food", 5900, 15900, ("受潮发霉", "混有石子", "生产日期被涂改")),
    Goods("智利车厘子 2.5kg", "perishable", 12900, 29900, ("坏果超过一半", "果肉发软变质", "果径与标示不符")),
    Goods("阳澄湖大闸蟹礼盒", "perishable", 19900, 69900, ("到货死蟹四只", "重量不足", "防伪扣无法查询")),
    Goods("实木书桌", "furniture", 59900, 229900, ("桌面开裂", "少一包螺丝", "桌腿长短不一")),
    Goods("刻字银手镯", "custom_made", 29900, 99900, ("刻字内容错误", "内圈尺寸不符", "接口处断裂")),
    Goods(
        "酱香型白酒礼盒", "alcohol", 39900, 199900, ("瓶盖有二次封装痕迹", "防伪码已被查询过", "香味明显不对")
    ),
)

PLAIN = ("clothing", "home_textile", "shoes", "electronics", "appliance", "digital", "baby", "furniture")

GRIEVANCES = (
    Grievance(
        "return_refund",
        "quality_defect",
        ("return", "refund"),
        (
            "{title}收到后{defect}，要求退货退款。",
            "刚用两次就{defect}，明显是质量问题，申请退货。",
            "{defect}，已拍照，请尽快处理。",
        ),
        44,
        (*PLAIN, "cosmetics"),
    ),
    Grievance(
        "return_refund",
        "no_reason",
        ("return", "refund"),
        (
            "尺码不合适，七天无理由退货，吊牌都在。",
            "和想象的不一样，没有使用过，申请无理由退货。",
            "买重复了，包装未拆，想退掉这件{title}。",
        ),
        26,
        ("clothing", "home_textile", "shoes", "electronics", "baby"),
    ),
    Grievance(
        "return_refund",
        "no_reason",
        ("return", "refund"),
        ("刻的字不喜欢了，想退货。", "收到觉得一般，想七天无理由退掉。"),
        6,
        ("custom_made", "perishable"),
    ),
    Grievance(
        "return_refund",
        "not_as_described",
        ("return", "refund"),
        ("页面写的是加厚款，收到的{title}很薄，与描述不符。", "颜色和图片差太多，客服不承认，要求退款。"),
        18,
        PLAIN,
    ),
    Grievance(
        "refund_only",
        "quality_defect",
        ("refund",),
        ("{title}{defect}，不值得寄回，申请仅退款。", "收到就发现{defect}，商家只肯赔十块钱。"),
        22,
        ("perishable", "food", "cosmetics"),
    ),
    Grievance(
        "refund_only",
        "not_received",
        ("refund",),
        ("物流显示已签收，但我没有收到{title}。", "包裹一直没到，商家让我再等，申请退款。"),
        16,
        delivered=False,
    ),
    Grievance(
        "refund_only",
        "missing_parts",
        ("refund",),
        ("{title}少了配件，商家说补发，等了十天没有动静，要求部分退款。",),
        8,
        PLAIN,
        share=0.2,
    ),
    Grievance(
        "exchange",
        "quality_defect",
        ("replacement",),
        ("{title}{defect}，希望换一件新的。", "换过一次还是{defect}，请再换。"),
        20,
        ("clothing", "shoes", "appliance", "digital", "electronics"),
        share=None,
    ),
    Grievance(
        "exchange",
        "wrong_item",
        ("replacement",),
        ("发错颜色了，要黑色，收到白色。", "尺码发错，订单是 L，收到 S。"),
        12,
        ("clothing", "shoes", "home_textile"),
        share=None,
    ),
    Grievance(
        "resend",
        "missing_item",
        ("resend",),
        ("下单两件只收到一件{title}，请补发。", "赠品没有随单寄出，客服说补发一直没发。"),
        14,
        share=None,
    ),
    Grievance(
        "repair",
        "quality_defect",
        ("repair",),
        ("{title}用了三个月{defect}，在保修期内，要求免费维修。", "送修一次后又{defect}，请安排检修。"),
        18,
        ("appliance", "digital", "electronics"),
        share=None,
    ),
    Grievance(
        "price_protection",
        "price_dropped",
        ("refund",),
        ("买完第三天{title}就降价了，申请退差价。", "页面写三十天保价，今天便宜了两百，客服不退。"),
        16,
        ("digital", "appliance", "electronics"),
        share=0.1,
        promise="price_protection_30_days",
    ),
    Grievance(
        "service_complaint",
        "rude_service",
        ("coupon",),
        ("客服态度很差，说爱买不买。", "约好上门安装{title}，爽约两次还骂人。"),
        12,
        share=None,
    ),
    Grievance(
        "service_complaint",
        "promise_not_kept",
        ("points",),
        ("客服答应返现五十元，之后再也不回复。", "承诺送货上楼，结果放在小区门口。"),
        8,
        share=None,
    ),
    Grievance(
        "counterfeit",
        "counterfeit",
        ("refund", "multiple"),
        ("怀疑是假货：{defect}，专柜鉴定不是正品，要求假一赔十。", "{title}防伪码查不到，要求退一赔三。"),
        16,
        ("cosmetics", "alcohol", "shoes", "perishable"),
        promise="fake_one_pay_ten",
    ),
    Grievance(
        "food_safety",
        "unsafe_food",
        ("refund", "multiple"),
        ("{title}{defect}，孩子吃了肚子疼，有就诊记录，要求十倍赔偿。", "吃到一半发现{defect}，已保留样品。"),
        14,
        ("food", "perishable"),
    ),
    Grievance(
        "logistics",
        "damaged_in_transit",
        ("refund", "freight"),
        ("外箱压烂，{title}也碎了，快递和商家互相推。", "快递员把包裹扔在雨里，{title}全湿了。"),
        14,
        ("furniture", "appliance", "food", "cosmetics"),
    ),
    Grievance(
        "logistics",
        "delayed",
        ("coupon",),
        ("说好次日达，{title}在中转站停了六天。", "物流七天没有更新，催了三次没人管。"),
        10,
        share=None,
        delivered=False,
    ),
    Grievance(
        "late_shipment",
        "not_shipped",
        ("coupon", "refund"),
        ("付款十天还没发货，客服一直说明天。", "预售写十五天内发{title}，现在第二十天了。"),
        14,
        share=0.05,
        delivered=False,
        promise="ship_within_48h",
    ),
    Grievance(
        "consultation",
        "invoice",
        (),
        ("需要把{title}的发票抬头改成公司名称，请问怎么办理？", "电子发票一直没有收到，请重新发送。"),
        6,
        share=None,
    ),
    Grievance(
        "consultation",
        "payment",
        (),
        ("同一笔订单好像扣了两次款，请帮忙核实。", "优惠券没有抵扣成功，多付了三十元，能退吗？"),
        5,
        share=None,
    ),
    Grievance(
        "consultation",
        "account_security",
        (),
        ("收到陌生的登录提醒，担心账号被盗用，请协助。",),
        3,
        share=None,
    ),
)

FAMILY = "王李张刘陈杨黄赵吴周徐孙马朱胡林郭何高罗"
GIVEN = "芳 伟 敏 静 磊 丽 强 洋 艳 勇 雨桐 子涵 浩然 欣怡 建国 桂英 思远 梦洁".split()  # noqa: SIM905 - a list of names reads best as one line
CITIES = (
    ("上海市浦东新区", "张杨路"),
    ("北京市朝阳区", "望京街"),
    ("广州市天河区", "体育东路"),
    ("深圳市南山区", "科苑路"),
    ("杭州市西湖区", "文三路"),
    ("成都市武侯区", "人民南路"),
    ("武汉市洪山区", "珞喻路"),
    ("南京市鼓楼区", "中山北路"),
    ("西安市雁塔区", "小寨东路"),
    ("重庆市渝北区", "红锦大道"),
    ("长沙市岳麓区", "麓山南路"),
    ("哈尔滨市南岗区", "学府路"),
)
CHANNELS = ("app", "app", "app", "web", "phone", "mini_program")
MERCHANTS = ("m-2001",) * 5 + ("m-2002",) * 3 + tuple(f"m-{number}" for number in range(2003, 2013))


def example_cases(count: int = COUNT, seed: int = SEED) -> Iterator[Json]:
    """The filings, each a body of `POST /cases` with an `idempotency_key`; equal for equal arguments."""
    chance = Random(seed)  # noqa: S311 - examples, not secrets
    weights = [grievance.weight for grievance in GRIEVANCES]
    kinds = [*GRIEVANCES, *chance.choices(GRIEVANCES, weights, k=max(0, count - len(GRIEVANCES)))][:count]
    chance.shuffle(kinds)
    for number, grievance in enumerate(kinds, 1):
        yield _filing(chance, grievance, number)


def as_lines(cases: Iterator[Json]) -> Iterator[str]:
    """One line of JSON for each case, newline included."""
    for case in cases:
        yield json.dumps(case, ensure_ascii=False, separators=(", ", ": ")) + "\n"


def _filing(chance: Random, grievance: Grievance, number: int) -> Json:
    choice = [goods for goods in GOODS if not grievance.categories or goods.category in grievance.categories]
    goods = chance.choice(choice)
    order = _order(chance, grievance, goods, number)
    statement = chance.choice(grievance.statements)
    filing: Json = {
        "idempotency_key": f"example-{number:04d}",
        "case_type": grievance.case_type,
        "reason": grievance.reason,
        "channel": chance.choice(CHANNELS),
        "buyer_id": f"b-{chance.randint(1001, 1240)}",
        "merchant_id": chance.choice(MERCHANTS),
        "order": order,
        "claim": _claim(grievance, order),
        "statement": statement.format(title=goods.title, defect=chance.choice(goods.defects)),
    }
    if chance.random() < 0.9:
        filing["contact"] = _contact(chance)
    return filing


def _order(chance: Random, grievance: Grievance, goods: Goods, number: int) -> Json:
    quantity = chance.choice((1, 1, 1, 1, 2, 3))
    delivered = LAST_DELIVERY - timedelta(minutes=chance.randint(0, 20 * 24 * 60))
    purchased = delivered - timedelta(minutes=chance.randint(2 * 24 * 60, 6 * 24 * 60))
    order: Json = {
        "order_id": f"PO-{purchased:%Y%m%d}-{number:05d}",
        "line_id": str(chance.choice((1, 1, 1, 2))),
        "sku": f"SKU-{GOODS.index(goods) + 1:02d}{chance.randint(10, 99)}",
        "title": goods.title,
        "category": goods.category,
        "quantity": quantity,
        "paid": _cny(chance.randint(goods.low // 100, goods.high // 100) * 100 * quantity),
        "purchased_at": _stamp(purchased),
    }
    if grievance.delivered:
        order["delivered_at"] = _stamp(delivered)
    if grievance.promise and chance.random() < 0.7:
        order["promises"] = [grievance.promise]
    if goods.category == "perishable" and chance.random() < 0.5:
        order["confirmations"] = ["perishable_no_return"]
    return order


def _claim(grievance: Grievance, order: Json) -> Json:
    claim: Json = {"remedies": list(grievance.remedies), "quantity": order["quantity"]}
    if grievance.share is not None:
        claim["amount"] = _cny(round(order["paid"]["amount_minor"] * grievance.share))
    return claim


def _contact(chance: Random) -> Json:
    city, street = chance.choice(CITIES)
    return {
        "name": chance.choice(FAMILY) + chance.choice(GIVEN),
        "phone": f"1380000{chance.randint(0, 9999):04d}",
        "address": f"{city}{street}{chance.randint(1, 999)}号{chance.randint(101, 2804)}室",
    }


def _cny(amount_minor: int) -> Json:
    return {"amount_minor": amount_minor, "currency": "CNY"}


def _stamp(moment: datetime) -> str:
    return f"{moment:%Y-%m-%dT%H:%M:%SZ}"
