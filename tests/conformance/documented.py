"""The documented shapes, in the notation of `shapes.py`."""

from __future__ import annotations

from tests.conformance.shapes import Shapes

# Conditional fields of order answers (rest-api.md, "Conditional fields in Order Responses").
CONDITIONAL = (
    "?icebergQty:d ?preventedMatchId:i ?preventedQuantity:d ?stopPrice:d ?strategyId:i "
    "?strategyType:i ?trailingDelta:i ?trailingTime:i ?usedSor:b ?workingFloor:s ?pegPriceType:s "
    "?pegOffsetType:s ?pegOffsetValue:i ?peggedPrice:d ?expiryReason:s"
)
ACK = "symbol:s orderId:i orderListId:i clientOrderId:s transactTime:i"
STATE = (
    "price:d executedQty:d origQuoteOrderQty:d cummulativeQuoteQty:d status:s timeInForce:s "
    f"type:s side:s selfTradePreventionMode:s {CONDITIONAL}"
)
RESULT = f"{ACK} origQty:d workingTime:i {STATE}"
LEG = f"{ACK} ?origQty:d workingTime:i {STATE}"  # an OPO leg has no quantity yet
CANCELED = f"{ACK} origClientOrderId:s ?origQty:d {STATE}"
LIST = (
    "orderListId:i contingencyType:s listStatusType:s listOrderStatus:s listClientOrderId:s "
    "transactionTime:i symbol:s orders:[MEMBER]"
)
WINDOW = "openTime:i closeTime:i firstId:i lastId:i count:i"
MINI = f"symbol:s openPrice:d highPrice:d lowPrice:d lastPrice:d volume:d quoteVolume:d {WINDOW}"
CHANGE = f"{MINI} priceChange:d priceChangePercent:d weightedAvgPrice:d"
RATES = "maker:d taker:d buyer:d seller:d"
ROLLING = "e:s E:i s:s p:d P:d o:d h:d l:d c:d w:d v:d q:d O:i C:i F:i L:i n:i"

REST: dict[str, str] = {
    "EMPTY": "",
    "ERROR": "code:i msg:s ?data:*",
    "TIME": "serverTime:i",
    "EXCHANGE_INFO": (
        "timezone:s serverTime:i rateLimits:[RATE_LIMIT] exchangeFilters:[*] symbols:[SYMBOL] "
        "?sors:[SOR]"
    ),
    "RATE_LIMIT": "rateLimitType:s interval:s intervalNum:i limit:i",
    "RATE_COUNT": "rateLimitType:s interval:s intervalNum:i limit:i count:i",
    "SOR": "baseAsset:s symbols:[s]",
    "SYMBOL": (
        "symbol:s status:s baseAsset:s baseAssetPrecision:i quoteAsset:s quotePrecision:i "
        "quoteAssetPrecision:i baseCommissionPrecision:i quoteCommissionPrecision:i orderTypes:[s] "
        "icebergAllowed:b ocoAllowed:b otoAllowed:b opoAllowed:b quoteOrderQtyMarketAllowed:b "
        "allowTrailingStop:b cancelReplaceAllowed:b amendAllowed:b pegInstructionsAllowed:b "
        "isSpotTradingAllowed:b isMarginTradingAllowed:b filters:[FILTER] permissions:[s] "
        "permissionSets:[[s]] defaultSelfTradePreventionMode:s allowedSelfTradePreventionModes:[s]"
    ),
    "FILTER": (
        "filterType:s ?minPrice:d ?maxPrice:d ?tickSize:d ?minQty:d ?maxQty:d ?stepSize:d "
        "?multiplierUp:d ?multiplierDown:d ?bidMultiplierUp:d ?bidMultiplierDown:d "
        "?askMultiplierUp:d ?askMultiplierDown:d ?avgPriceMins:i ?minNotional:d ?maxNotional:d "
        "?applyToMarket:b ?applyMinToMarket:b ?applyMaxToMarket:b ?limit:i ?maxNumOrders:i "
        "?maxNumAlgoOrders:i ?maxNumIcebergOrders:i ?maxNumOrderLists:i ?maxNumOrderAmends:i "
        "?maxPosition:d ?minTrailingAboveDelta:i ?maxTrailingAboveDelta:i "
        "?minTrailingBelowDelta:i ?maxTrailingBelowDelta:i ?endTime:i ?asset:s"
    ),
    "EXECUTION_RULES": "symbolRules:[SYMBOL_RULES]",
    "SYMBOL_RULES": "symbol:s rules:[RULE]",
    "RULE": ("ruleType:s bidLimitMultUp:d bidLimitMultDown:d askLimitMultUp:d askLimitMultDown:d"),
    "DEPTH": "lastUpdateId:i bids:[(d,d)] asks:[(d,d)]",
    "TRADE": "id:i price:d qty:d quoteQty:d time:i isBuyerMaker:b isBestMatch:b",
    "AGG_TRADE": "a:i p:d q:d f:i l:i T:i m:b M:b",
    "AVERAGE": "mins:i price:d closeTime:i",
    "TICKER_24H": (f"{CHANGE} prevClosePrice:d lastQty:d bidPrice:d bidQty:d askPrice:d askQty:d"),
    "TICKER": CHANGE,
    "MINI_TICKER": MINI,
    "PRICE": "symbol:s price:d",
    "BOOK_TICKER": "symbol:s bidPrice:d bidQty:d askPrice:d askQty:d",
    "REFERENCE": "symbol:s referencePrice:n timestamp:i",
    "CALCULATION": (
        "symbol:s calculationType:s ?bucketCount:i ?bucketWidthMs:i ?externalCalculationId:i"
    ),
    "ACCOUNT": (
        "makerCommission:i takerCommission:i buyerCommission:i sellerCommission:i "
        "commissionRates:RATES canTrade:b canWithdraw:b canDeposit:b brokered:b "
        "requireSelfTradePrevention:b preventSor:b updateTime:i accountType:s balances:[BALANCE] "
        "permissions:[s] uid:i"
    ),
    "RATES": RATES,
    "BALANCE": "asset:s free:d locked:d",
    "COMMISSION": (
        "symbol:s standardCommission:RATES specialCommission:RATES taxCommission:RATES "
        "discount:DISCOUNT"
    ),
    "DISCOUNT": "enabledForAccount:b enabledForSymbol:b discountAsset:s discount:d",
    "ORDER_RATES": "maker:d taker:d",
    "TEST_RATES": (
        "standardCommissionForOrder:ORDER_RATES specialCommissionForOrder:ORDER_RATES "
        "taxCommissionForOrder:ORDER_RATES discount:DISCOUNT"
    ),
    "MY_FILTERS": (
        "exchangeFilters:[FILTER] symbolFilters:[FILTER] assetFilters:[FILTER] "
        "?rateLimits:[RATE_LIMIT]"
    ),
    "ACK": ACK,
    "RESULT": RESULT,
    "FULL": f"{RESULT} fills:[FILL]",
    "FILL": "price:d qty:d commission:d commissionAsset:s tradeId:i ?matchType:s ?allocId:i",
    "CANCELED": CANCELED,
    "ORDER": (
        f"symbol:s orderId:i orderListId:i clientOrderId:s origQty:d time:i updateTime:i "
        f"isWorking:b workingTime:i {STATE}".replace("?icebergQty", "icebergQty").replace(
            "?stopPrice", "stopPrice"
        )
    ),
    "MY_TRADE": (
        "symbol:s id:i orderId:i orderListId:i price:d qty:d quoteQty:d commission:d "
        "commissionAsset:s time:i isBuyer:b isMaker:b isBestMatch:b"
    ),
    "REPLACED": (
        "cancelResult:s newOrderResult:s cancelResponse:CANCELED newOrderResponse:ACK|RESULT|FULL"
    ),
    "AMENDED": "transactTime:i executionId:i amendedOrder:AMENDED_ORDER ?listStatus:LIST_STATUS",
    "AMENDED_ORDER": (
        "symbol:s orderId:i orderListId:i origClientOrderId:s clientOrderId:s price:d qty:d "
        "executedQty:d preventedQty:d quoteOrderQty:d cumulativeQuoteQty:d status:s timeInForce:s "
        f"type:s side:s ?workingTime:i selfTradePreventionMode:s {CONDITIONAL}"
    ),
    "LIST_STATUS": (
        "orderListId:i contingencyType:s listOrderStatus:s listClientOrderId:s symbol:s "
        "orders:[MEMBER]"
    ),
    "AMENDMENT": (
        "symbol:s orderId:i executionId:i origClientOrderId:s newClientOrderId:s origQty:d "
        "newQty:d time:i"
    ),
    "MEMBER": "symbol:s orderId:i clientOrderId:s",
    "LIST": LIST,
    "PLACED_LIST": f"{LIST} orderReports:[LEG]",
    "LEG": LEG,
    "CANCELED_LIST": f"{LIST} orderReports:[CANCELED]",
}

WALLET: dict[str, str] = {
    "SYSTEM_STATUS": "status:i msg:s",
    "KEY_RIGHTS": (
        "ipRestrict:b createTime:i ?tradingAuthorityExpirationTime:i enableReading:b "
        "enableSpotAndMarginTrading:b enableWithdrawals:b enableInternalTransfer:b enableMargin:b "
        "enableFutures:b permitsUniversalTransfer:b enableVanillaOptions:b enableFixApiTrade:b "
        "enableFixReadOnly:b enablePortfolioMarginTrading:b"
    ),
    "TRADE_FEE": "symbol:s makerCommission:d takerCommission:d",
    "COIN": (
        "coin:s depositAllEnable:b free:d freeze:d ipoable:d ipoing:d isLegalMoney:b locked:d "
        "name:s networkList:[*] storage:d trading:b withdrawAllEnable:b withdrawing:d"
    ),
    "DEPOSIT": (
        "id:s amount:d coin:s network:s status:i address:s addressTag:s txId:s insertTime:i "
        "completeTime:i transferType:i confirmTimes:s unlockConfirm:i walletType:i "
        "?travelRuleStatus:i ?sourceAddress:s"
    ),
    "WITHDRAWAL": (
        "id:s amount:d transactionFee:d coin:s status:i address:s txId:s applyTime:s network:s "
        "transferType:i withdrawOrderId:s info:s confirmNo:i walletType:i txKey:s completeTime:s"
    ),
}

STREAMS: dict[str, str] = {
    "TRADE_EVENT": "e:s E:i s:s t:i p:d q:d T:i m:b M:b",
    "AGG_EVENT": "e:s E:i s:s a:i p:d q:d f:i l:i T:i m:b M:b",
    "KLINE_EVENT": "e:s E:i s:s k:KLINE",
    "KLINE": "t:i T:i s:s i:s f:i L:i o:d c:d h:d l:d v:d n:i x:b q:d V:d Q:d B:d",
    "MINI_EVENT": "e:s E:i s:s c:d o:d h:d l:d v:d q:d",
    "TICKER_EVENT": f"{ROLLING} x:d Q:d b:d B:d a:d A:d",
    "ROLLING_EVENT": ROLLING,
    "BOOK_EVENT": "u:i s:s b:d B:d a:d A:d",
    "AVERAGE_EVENT": "e:s E:i s:s i:s w:d T:i",
    "DEPTH_EVENT": "e:s E:i s:s U:i u:i b:[(d,d)] a:[(d,d)]",
    "REFERENCE_EVENT": "e:s s:s r:n t:i",
}

USER: dict[str, str] = {
    "executionReport": (
        "e:s E:i s:s c:s S:s o:s f:s q:d p:d P:d F:d g:i C:s x:s X:s r:s i:i l:d z:d L:d n:d N:n "
        "T:i t:i I:i w:b m:b M:b O:i Z:d Y:d Q:d V:s ?W:i ?d:i ?D:i ?j:i ?J:i ?v:i ?A:d ?B:d ?u:i "
        "?U:i ?Cs:s ?pl:d ?pL:d ?pY:d ?b:s ?a:i ?k:s ?uS:b ?gP:s ?gOT:s ?gOV:i ?gp:d ?eR:s"
    ),
    "listStatus": "e:s E:i s:s g:i c:s l:s L:s r:s C:s T:i O:[LIST_MEMBER]",
    "LIST_MEMBER": "s:s i:i c:s",
    "outboundAccountPosition": "e:s E:i u:i B:[HELD]",
    "HELD": "a:s f:d l:d",
    "balanceUpdate": "e:s E:i a:s d:d T:i",
    "eventStreamTerminated": "e:s E:i",
}

SOCKET: dict[str, str] = {
    "SESSION": (
        "apiKey:n authorizedSince:m connectedSince:i returnRateLimits:b serverTime:i "
        "userDataStream:b"
    ),
    "SUBSCRIBED": "subscriptionId:i",
}

SHAPES = Shapes(REST | WALLET | STREAMS | USER | SOCKET)
KLINE_ROW = "(i,d,d,d,d,d,i,d,i,d,d,d)"
