<?xml version="1.0" encoding="utf-8"?>
<!DOCTYPE TS>
<TS version="2.1" language="zh_TW" sourcelanguage="en">
<context>
    <name>AboutDialog</name>
    <message>
        <source>About</source>
        <translation>關於</translation>
    </message>
    <message>
        <source>Futures Terminal {version}</source>
        <translation>期貨交易終端 {version}</translation>
    </message>
    <message>
        <source>The futures terminal that guards your position.</source>
        <translation>守護您部位的期貨交易終端。</translation>
    </message>
    <message>
        <source>TAIFEX knows no stop orders: positions are guarded by this program on this computer, and only while it runs. Futures can lose more than was paid in.</source>
        <translation>期交所沒有停損委託：部位由這台電腦上的本程式守護，且只在程式執行期間有效。期貨交易的損失可能超過投入的保證金。</translation>
    </message>
    <message>
        <source>Free software under the MIT licence.</source>
        <translation>以 MIT 授權釋出的自由軟體。</translation>
    </message>
</context>
<context>
    <name>AdoptDialog</name>
    <message>
        <source>Take over the broker&apos;s figure</source>
        <translation>採用期貨商的數字</translation>
    </message>
    <message>
        <source>{symbol}: we count {ours} lots, the broker {theirs}. Take over {theirs}? Compare with the broker&apos;s own program first: profit and loss and the guard follow the new figure.</source>
        <translation>{symbol}：本程式 {ours} 口，期貨商 {theirs} 口。要採用 {theirs} 口嗎？請先與期貨商的程式核對：損益與守護將依新的數字計算。</translation>
    </message>
    <message>
        <source>At which price the lots between the two count; empty = the last trade.</source>
        <translation>差額口數的計價；留空 = 最新成交價。</translation>
    </message>
    <message>
        <source>Take over {lots}</source>
        <translation>採用 {lots} 口</translation>
    </message>
    <message>
        <source>Price</source>
        <translation>價格</translation>
    </message>
</context>
<context>
    <name>Asking</name>
    <message>
        <source>Cancel sent; an order is cancelled when the exchange says so.</source>
        <translation>刪單已送出；交易所回報後才算刪除。</translation>
    </message>
    <message>
        <source>Change sent; it holds when the exchange says so.</source>
        <translation>改單已送出；交易所回報後才生效。</translation>
    </message>
    <message>
        <source>Flatten is pursued; watch the positions until they are flat.</source>
        <translation>正在平倉；請確認部位歸零。</translation>
    </message>
    <message>
        <source>Trading resumed: new entries pass again.</source>
        <translation>已恢復交易：可以再建立新部位。</translation>
    </message>
    <message>
        <source>Trading halted: no new entries; exits and cancels still pass.</source>
        <translation>已暫停交易：不再建立新部位，平倉與刪單仍可進行。</translation>
    </message>
    <message>
        <source>The broker is asked; its answer shows in the tables.</source>
        <translation>已向期貨商查詢；結果將顯示於表格。</translation>
    </message>
    <message>
        <source>The order is declared dead.</source>
        <translation>委託已宣告無效。</translation>
    </message>
    <message>
        <source>The broker&apos;s figure is taken over.</source>
        <translation>已採用期貨商的數字。</translation>
    </message>
    <message>
        <source>The limits of risk are set.</source>
        <translation>風控上限已套用。</translation>
    </message>
    <message>
        <source>The lots are put under guard.</source>
        <translation>已設定守護。</translation>
    </message>
    <message>
        <source>Condition armed.</source>
        <translation>條件已開始監控。</translation>
    </message>
    <message>
        <source>Condition changed.</source>
        <translation>條件已變更。</translation>
    </message>
</context>
<context>
    <name>BookDock</name>
    <message>
        <source>Five-level book</source>
        <translation>五檔報價</translation>
    </message>
    <message>
        <source>No bids and offers yet.</source>
        <translation>尚無委買委賣報價。</translation>
    </message>
    <message>
        <source>A recorded day holds trades only, no bids and offers.</source>
        <translation>歷史資料只有成交，沒有委買委賣。</translation>
    </message>
    <message>
        <source>Bid</source>
        <translation>委買</translation>
    </message>
    <message>
        <source>Ask</source>
        <translation>委賣</translation>
    </message>
    <message>
        <source>Lots</source>
        <translation>口數</translation>
    </message>
</context>
<context>
    <name>ChartWidget</name>
    <message>
        <source>1 s</source>
        <translation>1 秒</translation>
    </message>
    <message>
        <source>5 s</source>
        <translation>5 秒</translation>
    </message>
    <message>
        <source>1 min</source>
        <translation>1 分</translation>
    </message>
    <message>
        <source>5 min</source>
        <translation>5 分</translation>
    </message>
    <message>
        <source>15 min</source>
        <translation>15 分</translation>
    </message>
    <message>
        <source>60 min</source>
        <translation>60 分</translation>
    </message>
    <message>
        <source>Follow</source>
        <translation>跟隨</translation>
    </message>
    <message>
        <source>Stay with the last bar (End)</source>
        <translation>停留在最新 K 棒（End）</translation>
    </message>
    <message>
        <source>Fit</source>
        <translation>自動縮放</translation>
    </message>
    <message>
        <source>Fit the prices to the bars in view (double click on the price axis)</source>
        <translation>依畫面中的 K 棒縮放價格軸（或雙擊價格軸）</translation>
    </message>
    <message>
        <source>Support</source>
        <translation>支撐</translation>
    </message>
    <message>
        <source>Resistance</source>
        <translation>壓力</translation>
    </message>
    <message>
        <source>Trigger</source>
        <translation>觸價</translation>
    </message>
    <message>
        <source>Long</source>
        <translation>多單</translation>
    </message>
    <message>
        <source>Short</source>
        <translation>空單</translation>
    </message>
    <message>
        <source>points</source>
        <translation>點</translation>
    </message>
    <message>
        <source>not guarding</source>
        <translation>未守護</translation>
    </message>
    <message>
        <source>not watched</source>
        <translation>未監看</translation>
    </message>
    <message>
        <source>O</source>
        <translation>開</translation>
    </message>
    <message>
        <source>H</source>
        <translation>高</translation>
    </message>
    <message>
        <source>L</source>
        <translation>低</translation>
    </message>
    <message>
        <source>C</source>
        <translation>收</translation>
    </message>
    <message>
        <source>Vol</source>
        <translation>量</translation>
    </message>
    <message>
        <source>No contract chosen</source>
        <translation>尚未選擇商品</translation>
    </message>
    <message>
        <source>Choose one in the list of contracts, and its chart begins here.</source>
        <translation>請在商品清單中選擇，圖表將由此開始。</translation>
    </message>
    <message>
        <source>No ticks yet for {symbol}</source>
        <translation>{symbol} 尚無成交</translation>
    </message>
    <message>
        <source>The first trade draws the first bar. Outside of trading hours nothing comes.</source>
        <translation>第一筆成交將畫出第一根 K 棒；非交易時段不會有成交。</translation>
    </message>
    <message>
        <source>Support here: buy at {price}</source>
        <translation>在此設支撐：於 {price} 買進</translation>
    </message>
    <message>
        <source>Resistance here: sell at {price}</source>
        <translation>在此設壓力：於 {price} 賣出</translation>
    </message>
    <message>
        <source>Follow the last bar</source>
        <translation>跟隨最新 K 棒</translation>
    </message>
</context>
<context>
    <name>Codes</name>
    <message>
        <source>Buy at support</source>
        <translation>支撐買進</translation>
    </message>
    <message>
        <source>Sell at resistance</source>
        <translation>壓力賣出</translation>
    </message>
    <message>
        <source>TAIEX futures</source>
        <translation>臺股期貨</translation>
    </message>
    <message>
        <source>Mini-TAIEX futures</source>
        <translation>小型臺指</translation>
    </message>
    <message>
        <source>Micro TAIEX futures</source>
        <translation>微型臺指</translation>
    </message>
    <message>
        <source>Simulated exchange</source>
        <translation>模擬交易所</translation>
    </message>
    <message>
        <source>Replay a recorded day</source>
        <translation>重播歷史交易日</translation>
    </message>
    <message>
        <source>PFCF (.NET library)</source>
        <translation>統一期貨（.NET 元件）</translation>
    </message>
    <message>
        <source>PFCF (Python package)</source>
        <translation>統一期貨（Python 套件）</translation>
    </message>
    <message>
        <source>Trade</source>
        <translation>交易</translation>
    </message>
    <message>
        <source>Quotes</source>
        <translation>報價</translation>
    </message>
    <message>
        <source>Feed</source>
        <translation>行情</translation>
    </message>
    <message>
        <source>Gateway</source>
        <translation>閘道</translation>
    </message>
    <message>
        <source>Strategy</source>
        <translation>策略</translation>
    </message>
    <message>
        <source>Executor</source>
        <translation>下單</translation>
    </message>
    <message>
        <source>Recorder</source>
        <translation>紀錄</translation>
    </message>
    <message>
        <source>Scanner</source>
        <translation>掃描</translation>
    </message>
    <message>
        <source>Telemetry</source>
        <translation>監測</translation>
    </message>
    <message>
        <source>Web</source>
        <translation>網頁</translation>
    </message>
    <message>
        <source>Books</source>
        <translation>帳務</translation>
    </message>
    <message>
        <source>Ledger</source>
        <translation>帳本</translation>
    </message>
    <message>
        <source>Flatten</source>
        <translation>平倉</translation>
    </message>
    <message>
        <source>Debug</source>
        <translation>除錯</translation>
    </message>
    <message>
        <source>Info</source>
        <translation>訊息</translation>
    </message>
    <message>
        <source>Warning</source>
        <translation>警告</translation>
    </message>
    <message>
        <source>Error</source>
        <translation>錯誤</translation>
    </message>
    <message>
        <source>Critical</source>
        <translation>嚴重</translation>
    </message>
    <message>
        <source>This system has no keyring; the password is asked for at each start.</source>
        <translation>此系統沒有金鑰圈；每次啟動都會詢問密碼。</translation>
    </message>
    <message>
        <source>The system&apos;s keyring is locked; unlock it, or enter the password.</source>
        <translation>系統金鑰圈已鎖定；請解鎖或輸入密碼。</translation>
    </message>
    <message>
        <source>The keyring did not delete the password; delete it with the system&apos;s own tool.</source>
        <translation>金鑰圈未刪除密碼；請以系統工具刪除。</translation>
    </message>
    <message>
        <source>The keyring refused; the password is asked for at each start.</source>
        <translation>金鑰圈拒絕存取；每次啟動都會詢問密碼。</translation>
    </message>
    <message>
        <source>The condition has no id.</source>
        <translation>此條件沒有編號。</translation>
    </message>
    <message>
        <source>Choose an account.</source>
        <translation>請選擇帳號。</translation>
    </message>
    <message>
        <source>Choose a contract.</source>
        <translation>請選擇商品。</translation>
    </message>
    <message>
        <source>Enter the trigger price.</source>
        <translation>請輸入觸價價格。</translation>
    </message>
    <message>
        <source>Turning points must be at least 1.</source>
        <translation>轉折點數至少為 1。</translation>
    </message>
    <message>
        <source>Take profit must be at least 1 point away.</source>
        <translation>停利至少為 1 點。</translation>
    </message>
    <message>
        <source>Stop loss must be at least 1 point away.</source>
        <translation>停損至少為 1 點。</translation>
    </message>
    <message>
        <source>The quantity must be at least 1 lot.</source>
        <translation>口數至少為 1 口。</translation>
    </message>
    <message>
        <source>The trailing stop cannot be below 0.</source>
        <translation>移動停損不可小於 0。</translation>
    </message>
    <message>
        <source>The breakeven distance cannot be below 0.</source>
        <translation>保本距離不可小於 0。</translation>
    </message>
    <message>
        <source>The time stop cannot be below 0.</source>
        <translation>時間停損不可小於 0。</translation>
    </message>
    <message>
        <source>The name of a group: plain letters and digits, at most 64.</source>
        <translation>群組名稱：限英文字母與數字，最多 64 個字元。</translation>
    </message>
    <message>
        <source>Buy</source>
        <translation>買進</translation>
    </message>
    <message>
        <source>Sell</source>
        <translation>賣出</translation>
    </message>
    <message>
        <source>Limit</source>
        <translation>限價</translation>
    </message>
    <message>
        <source>Market</source>
        <translation>市價</translation>
    </message>
    <message>
        <source>Range market</source>
        <translation>範圍市價</translation>
    </message>
    <message>
        <source>ROD</source>
        <translation>ROD</translation>
    </message>
    <message>
        <source>IOC</source>
        <translation>IOC</translation>
    </message>
    <message>
        <source>FOK</source>
        <translation>FOK</translation>
    </message>
    <message>
        <source>Intent</source>
        <translation>準備送出</translation>
    </message>
    <message>
        <source>Sent</source>
        <translation>已送出</translation>
    </message>
    <message>
        <source>Accepted</source>
        <translation>委託成功</translation>
    </message>
    <message>
        <source>Partly filled</source>
        <translation>部分成交</translation>
    </message>
    <message>
        <source>Filled</source>
        <translation>完全成交</translation>
    </message>
    <message>
        <source>Cancelled</source>
        <translation>已取消</translation>
    </message>
    <message>
        <source>Expired</source>
        <translation>已失效</translation>
    </message>
    <message>
        <source>Denied</source>
        <translation>風控拒絕</translation>
    </message>
    <message>
        <source>Rejected</source>
        <translation>遭退回</translation>
    </message>
    <message>
        <source>UNKNOWN</source>
        <translation>狀態不明</translation>
    </message>
    <message>
        <source>Draft</source>
        <translation>草稿</translation>
    </message>
    <message>
        <source>Armed</source>
        <translation>監控中</translation>
    </message>
    <message>
        <source>Triggered</source>
        <translation>已觸價</translation>
    </message>
    <message>
        <source>Entering</source>
        <translation>進場中</translation>
    </message>
    <message>
        <source>Guarding</source>
        <translation>守護中</translation>
    </message>
    <message>
        <source>Exiting</source>
        <translation>出場中</translation>
    </message>
    <message>
        <source>Closed</source>
        <translation>已結束</translation>
    </message>
    <message>
        <source>Held unguarded</source>
        <translation>保留未守護</translation>
    </message>
    <message>
        <source>Go on in the next session</source>
        <translation>下一盤繼續</translation>
    </message>
    <message>
        <source>Close before the session ends</source>
        <translation>收盤前平倉</translation>
    </message>
    <message>
        <source>Hold unguarded</source>
        <translation>保留不守護</translation>
    </message>
    <message>
        <source>guarded</source>
        <translation>守護中</translation>
    </message>
    <message>
        <source>trading is stopped</source>
        <translation>交易已停止</translation>
    </message>
    <message>
        <source>the strategy process does not run</source>
        <translation>策略程序未運作</translation>
    </message>
    <message>
        <source>the executor process does not run</source>
        <translation>下單程序未運作</translation>
    </message>
    <message>
        <source>Waiting</source>
        <translation>等待策略加入</translation>
    </message>
    <message>
        <source>Playing</source>
        <translation>播放中</translation>
    </message>
    <message>
        <source>Paused</source>
        <translation>已暫停</translation>
    </message>
    <message>
        <source>Jumping</source>
        <translation>跳轉中</translation>
    </message>
    <message>
        <source>Ended</source>
        <translation>已結束</translation>
    </message>
    <message>
        <source>Exchange&apos;s daily file</source>
        <translation>期交所每日檔</translation>
    </message>
    <message>
        <source>Recorded feed</source>
        <translation>行情錄製</translation>
    </message>
    <message>
        <source>Simulated run</source>
        <translation>模擬行情</translation>
    </message>
    <message>
        <source>gives no sign of life</source>
        <translation>沒有回應</translation>
    </message>
    <message>
        <source>Near a condition</source>
        <translation>接近條件單觸發價</translation>
    </message>
    <message>
        <source>Near a support</source>
        <translation>接近支撐</translation>
    </message>
    <message>
        <source>Near a resistance</source>
        <translation>接近壓力</translation>
    </message>
    <message>
        <source>New session high</source>
        <translation>本盤新高</translation>
    </message>
    <message>
        <source>New session low</source>
        <translation>本盤新低</translation>
    </message>
    <message>
        <source>Volume surge</source>
        <translation>成交量激增</translation>
    </message>
    <message>
        <source>Range surge</source>
        <translation>波幅激增</translation>
    </message>
    <message>
        <source>Gap up</source>
        <translation>向上跳空</translation>
    </message>
    <message>
        <source>Gap down</source>
        <translation>向下跳空</translation>
    </message>
    <message>
        <source>no link to the broker</source>
        <translation>與期貨商斷線</translation>
    </message>
    <message>
        <source>the feed is silent</source>
        <translation>行情中斷</translation>
    </message>
    <message>
        <source>held unguarded by choice</source>
        <translation>依您的選擇保留不守護</translation>
    </message>
    <message>
        <source>Ticks seen</source>
        <translation>逐筆接收</translation>
    </message>
    <message>
        <source>its exits keep failing</source>
        <translation>出場委託接連失敗</translation>
    </message>
    <message>
        <source>nobody knows what became of its exit</source>
        <translation>出場委託結果不明</translation>
    </message>
    <message>
        <source>Position differs</source>
        <translation>部位不符</translation>
    </message>
    <message>
        <source>Fills differ</source>
        <translation>成交不符</translation>
    </message>
    <message>
        <source>Order differs</source>
        <translation>委託不符</translation>
    </message>
    <message>
        <source>Order made elsewhere</source>
        <translation>他處下的委託</translation>
    </message>
    <message>
        <source>Entry level</source>
        <translation>進場價位</translation>
    </message>
    <message>
        <source>Average fill</source>
        <translation>成交均價</translation>
    </message>
    <message>
        <source>Entry</source>
        <translation>進場</translation>
    </message>
    <message>
        <source>Take profit</source>
        <translation>停利</translation>
    </message>
    <message>
        <source>Stop loss</source>
        <translation>停損</translation>
    </message>
    <message>
        <source>Trailing stop</source>
        <translation>移動停損</translation>
    </message>
    <message>
        <source>Close</source>
        <translation>平倉</translation>
    </message>
    <message>
        <source>Breakeven stop</source>
        <translation>保本停損</translation>
    </message>
    <message>
        <source>Time stop</source>
        <translation>時間停損</translation>
    </message>
    <message>
        <source>Session end</source>
        <translation>收盤處理</translation>
    </message>
    <message>
        <source>Down</source>
        <translation>斷線</translation>
    </message>
    <message>
        <source>Connecting</source>
        <translation>連線中</translation>
    </message>
    <message>
        <source>Up</source>
        <translation>正常</translation>
    </message>
    <message>
        <source>Silent</source>
        <translation>逾時無訊息</translation>
    </message>
    <message>
        <source>starts</source>
        <translation>啟動中</translation>
    </message>
    <message>
        <source>runs</source>
        <translation>執行中</translation>
    </message>
    <message>
        <source>ended unasked; it is started again</source>
        <translation>意外結束，正在重新啟動</translation>
    </message>
    <message>
        <source>died too often and stays down: look at the log</source>
        <translation>多次異常結束，已停止重啟：請查看紀錄</translation>
    </message>
    <message>
        <source>stopped</source>
        <translation>已停止</translation>
    </message>
    <message>
        <source>Trading allowed</source>
        <translation>可交易</translation>
    </message>
    <message>
        <source>New entries stopped</source>
        <translation>已停止新進場</translation>
    </message>
    <message>
        <source>Entries stopped, orders cancelled</source>
        <translation>已停止進場並取消委託</translation>
    </message>
    <message>
        <source>Entries stopped, flattened</source>
        <translation>已停止進場並全部平倉</translation>
    </message>
    <message>
        <source>Only refuse entries</source>
        <translation>僅拒絕進場</translation>
    </message>
    <message>
        <source>Stop new entries</source>
        <translation>停止新進場</translation>
    </message>
    <message>
        <source>Stop entries, cancel orders</source>
        <translation>停止進場並取消委託</translation>
    </message>
    <message>
        <source>Stop entries, flatten</source>
        <translation>停止進場並全部平倉</translation>
    </message>
    <message>
        <source>SIMULATED</source>
        <translation>模擬</translation>
    </message>
    <message>
        <source>REPLAY</source>
        <translation>重播</translation>
    </message>
    <message>
        <source>LIVE</source>
        <translation>正式</translation>
    </message>
    <message>
        <source>Day session</source>
        <translation>日盤</translation>
    </message>
    <message>
        <source>Night session</source>
        <translation>夜盤</translation>
    </message>
    <message>
        <source>Market closed</source>
        <translation>休市中</translation>
    </message>
    <message>
        <source>Order entry before the open</source>
        <translation>盤前可委託</translation>
    </message>
    <message>
        <source>Before the open: no changes, no cancels</source>
        <translation>開盤前不可改單、刪單</translation>
    </message>
    <message>
        <source>Continuous trading</source>
        <translation>逐筆交易</translation>
    </message>
    <message>
        <source>Order too large</source>
        <translation>超過單筆口數上限</translation>
    </message>
    <message>
        <source>Position limit</source>
        <translation>超過部位上限</translation>
    </message>
    <message>
        <source>Too far from the market</source>
        <translation>偏離市價過多</translation>
    </message>
    <message>
        <source>Outside of the daily price limits</source>
        <translation>超出漲跌停</translation>
    </message>
    <message>
        <source>Not a price step</source>
        <translation>不符合跳動點</translation>
    </message>
    <message>
        <source>Quotes are silent</source>
        <translation>行情中斷</translation>
    </message>
    <message>
        <source>No price yet</source>
        <translation>尚無成交價</translation>
    </message>
    <message>
        <source>Trading is halted</source>
        <translation>交易已暫停</translation>
    </message>
    <message>
        <source>Other orders close it already</source>
        <translation>已有其他委託正在平倉</translation>
    </message>
    <message>
        <source>Would not reduce the position</source>
        <translation>無法減少部位</translation>
    </message>
    <message>
        <source>Not connected</source>
        <translation>尚未連線</translation>
    </message>
    <message>
        <source>Unknown contract</source>
        <translation>查無此商品</translation>
    </message>
    <message>
        <source>Unknown account</source>
        <translation>查無此帳號</translation>
    </message>
    <message>
        <source>Unknown order</source>
        <translation>查無此委託</translation>
    </message>
    <message>
        <source>Unknown condition</source>
        <translation>查無此條件</translation>
    </message>
    <message>
        <source>Order no longer works</source>
        <translation>委託已非有效</translation>
    </message>
    <message>
        <source>Signal too old</source>
        <translation>訊號過舊</translation>
    </message>
    <message>
        <source>Duplicate</source>
        <translation>重複</translation>
    </message>
    <message>
        <source>Not valid</source>
        <translation>內容無效</translation>
    </message>
    <message>
        <source>Not allowed</source>
        <translation>不允許</translation>
    </message>
    <message>
        <source>Ledger failed</source>
        <translation>帳本寫入失敗</translation>
    </message>
    <message>
        <source>Refused by the broker</source>
        <translation>期貨商退回</translation>
    </message>
    <message>
        <source>No answer, outcome unknown</source>
        <translation>無回覆，結果不明</translation>
    </message>
    <message>
        <source>Session ended</source>
        <translation>盤別結束</translation>
    </message>
    <message>
        <source>By hand</source>
        <translation>人工操作</translation>
    </message>
    <message>
        <source>Rest cancelled by the exchange</source>
        <translation>剩餘口數由交易所取消</translation>
    </message>
    <message>
        <source>Total position limit</source>
        <translation>超過總部位上限</translation>
    </message>
    <message>
        <source>Daily loss limit</source>
        <translation>達每日虧損上限</translation>
    </message>
    <message>
        <source>Too many orders a minute</source>
        <translation>每分鐘委託過多</translation>
    </message>
    <message>
        <source>Too many orders a day</source>
        <translation>當日委託過多</translation>
    </message>
    <message>
        <source>Margin</source>
        <translation>保證金不足</translation>
    </message>
    <message>
        <source>Session about to close</source>
        <translation>即將收盤</translation>
    </message>
    <message>
        <source>Not yet compared with the broker</source>
        <translation>尚未與期貨商核對</translation>
    </message>
    <message>
        <source>The other condition of the group was first</source>
        <translation>同組的另一條件已先成立</translation>
    </message>
    <message>
        <source>Ticks are missing</source>
        <translation>行情有缺漏</translation>
    </message>
    <message>
        <source>Too many requests</source>
        <translation>請求過於頻繁</translation>
    </message>
    <message>
        <source>Made elsewhere</source>
        <translation>他處下單</translation>
    </message>
    <message>
        <source>The broker counts other lots</source>
        <translation>期貨商的口數不同</translation>
    </message>
    <message>
        <source>Settled by the exchange</source>
        <translation>由交易所結算</translation>
    </message>
</context>
<context>
    <name>Columns</name>
    <message>
        <source>unknown</source>
        <translation>不明</translation>
    </message>
    <message>
        <source>⚠ Not guarding: {why}</source>
        <translation>⚠ 未守護：{why}</translation>
    </message>
    <message>
        <source>⚠ {state}, not watched: {why}</source>
        <translation>⚠ {state}，但未監看：{why}</translation>
    </message>
    <message>
        <source>⚠ Not guarding</source>
        <translation>⚠ 未守護</translation>
    </message>
    <message>
        <source>⚠ Not watched</source>
        <translation>⚠ 未監看</translation>
    </message>
    <message>
        <source>Goes on</source>
        <translation>下盤繼續</translation>
    </message>
    <message>
        <source>Closes</source>
        <translation>收盤前平倉</translation>
    </message>
    <message>
        <source>Holds</source>
        <translation>保留不守護</translation>
    </message>
    <message>
        <source>State</source>
        <translation>狀態</translation>
    </message>
    <message>
        <source>Contract</source>
        <translation>商品</translation>
    </message>
    <message>
        <source>B/S</source>
        <translation>買賣</translation>
    </message>
    <message>
        <source>Trigger</source>
        <translation>觸價</translation>
    </message>
    <message>
        <source>Entry</source>
        <translation>進場</translation>
    </message>
    <message>
        <source>Profit</source>
        <translation>停利</translation>
    </message>
    <message>
        <source>Stop</source>
        <translation>停損</translation>
    </message>
    <message>
        <source>Held</source>
        <translation>持有</translation>
    </message>
    <message>
        <source>Follows</source>
        <translation>跟隨</translation>
    </message>
    <message>
        <source>Trailing</source>
        <translation>移動停損</translation>
    </message>
    <message>
        <source>Breakeven</source>
        <translation>保本</translation>
    </message>
    <message>
        <source>Time stop</source>
        <translation>時間停損</translation>
    </message>
    <message>
        <source>At the close</source>
        <translation>收盤時</translation>
    </message>
    <message>
        <source>Group</source>
        <translation>群組</translation>
    </message>
    <message>
        <source>Condition</source>
        <translation>條件</translation>
    </message>
    <message>
        <source>Time</source>
        <translation>時間</translation>
    </message>
    <message>
        <source>Level</source>
        <translation>等級</translation>
    </message>
    <message>
        <source>Process</source>
        <translation>程序</translation>
    </message>
    <message>
        <source>Message</source>
        <translation>訊息</translation>
    </message>
    <message>
        <source>Ids</source>
        <translation>編號</translation>
    </message>
    <message>
        <source>Status</source>
        <translation>狀態</translation>
    </message>
    <message>
        <source>Price</source>
        <translation>價格</translation>
    </message>
    <message>
        <source>Lots</source>
        <translation>口數</translation>
    </message>
    <message>
        <source>Filled</source>
        <translation>成交口數</translation>
    </message>
    <message>
        <source>Average</source>
        <translation>均價</translation>
    </message>
    <message>
        <source>Lives</source>
        <translation>效期</translation>
    </message>
    <message>
        <source>What differs</source>
        <translation>不符項目</translation>
    </message>
    <message>
        <source>Ours</source>
        <translation>本程式</translation>
    </message>
    <message>
        <source>Broker&apos;s</source>
        <translation>期貨商</translation>
    </message>
    <message>
        <source>Since</source>
        <translation>時間</translation>
    </message>
    <message>
        <source>Account</source>
        <translation>帳號</translation>
    </message>
    <message>
        <source>What to do</source>
        <translation>處理方式</translation>
    </message>
    <message>
        <source>From</source>
        <translation>來源</translation>
    </message>
    <message>
        <source>Order id</source>
        <translation>委託編號</translation>
    </message>
    <message>
        <source>Reason</source>
        <translation>原因</translation>
    </message>
    <message>
        <source>Match</source>
        <translation>成交序號</translation>
    </message>
    <message>
        <source>Guard…</source>
        <translation>守護…</translation>
    </message>
    <message>
        <source>Flatten</source>
        <translation>平倉</translation>
    </message>
    <message>
        <source>Net lots</source>
        <translation>未平倉</translation>
    </message>
    <message>
        <source>Last</source>
        <translation>成交價</translation>
    </message>
    <message>
        <source>Unrealised P&amp;L</source>
        <translation>未實現損益</translation>
    </message>
    <message>
        <source>Realised P&amp;L</source>
        <translation>已實現損益</translation>
    </message>
    <message>
        <source>Fees and tax</source>
        <translation>手續費與稅</translation>
    </message>
    <message>
        <source>Change</source>
        <translation>漲跌</translation>
    </message>
    <message>
        <source>%</source>
        <translation>%</translation>
    </message>
    <message>
        <source>Bid</source>
        <translation>委買</translation>
    </message>
    <message>
        <source>Ask</source>
        <translation>委賣</translation>
    </message>
    <message>
        <source>Volume</source>
        <translation>總量</translation>
    </message>
    <message>
        <source>Age</source>
        <translation>更新</translation>
    </message>
    <message>
        <source>Fault</source>
        <translation>故障</translation>
    </message>
    <message>
        <source>Tried</source>
        <translation>測試</translation>
    </message>
    <message>
        <source>Survived</source>
        <translation>通過</translation>
    </message>
    <message>
        <source>Longest without guard, s</source>
        <translation>最長未守護（秒）</translation>
    </message>
    <message>
        <source>What stands out</source>
        <translation>值得注意</translation>
    </message>
    <message>
        <source>At level</source>
        <translation>價位</translation>
    </message>
    <message>
        <source>Score</source>
        <translation>分數</translation>
    </message>
    <message>
        <source>What it means</source>
        <translation>說明</translation>
    </message>
    <message>
        <source>File</source>
        <translation>檔案</translation>
    </message>
    <message>
        <source>Trade dates</source>
        <translation>交易日</translation>
    </message>
    <message>
        <source>Rows</source>
        <translation>筆數</translation>
    </message>
    <message>
        <source>New</source>
        <translation>新增</translation>
    </message>
    <message>
        <source>Already there</source>
        <translation>已存在</translation>
    </message>
    <message>
        <source>Result</source>
        <translation>結果</translation>
    </message>
</context>
<context>
    <name>ConditionDialog</name>
    <message>
        <source>New condition</source>
        <translation>新增條件</translation>
    </message>
    <message>
        <source>Edit condition</source>
        <translation>修改條件</translation>
    </message>
    <message>
        <source>Contract</source>
        <translation>商品</translation>
    </message>
    <message>
        <source>Account</source>
        <translation>帳號</translation>
    </message>
    <message>
        <source>Action</source>
        <translation>動作</translation>
    </message>
    <message>
        <source>Trigger price</source>
        <translation>觸價價格</translation>
    </message>
    <message>
        <source>Turning points</source>
        <translation>轉折點數</translation>
    </message>
    <message>
        <source>One cancels other</source>
        <translation>二擇一（OCO）</translation>
    </message>
    <message>
        <source>Entry</source>
        <translation>進場</translation>
    </message>
    <message>
        <source>The first of the two that fills cancels the one that still waits.</source>
        <translation>兩者之中先成交者，取消仍在等待的另一個。</translation>
    </message>
    <message>
        <source>None</source>
        <translation>無</translation>
    </message>
    <message>
        <source>Lots</source>
        <translation>口數</translation>
    </message>
    <message>
        <source>Before entry</source>
        <translation>進場前</translation>
    </message>
    <message>
        <source>Follow the extreme price</source>
        <translation>跟隨極值價</translation>
    </message>
    <message>
        <source>Save</source>
        <translation>儲存</translation>
    </message>
    <message>
        <source>Save and arm</source>
        <translation>儲存並監控</translation>
    </message>
    <message>
        <source>Cancel</source>
        <translation>取消</translation>
    </message>
</context>
<context>
    <name>ConditionsDock</name>
    <message>
        <source>Conditions</source>
        <translation>條件單</translation>
    </message>
    <message>
        <source>+ Support (buy)</source>
        <translation>＋ 支撐（買進）</translation>
    </message>
    <message>
        <source>+ Resistance (sell)</source>
        <translation>＋ 壓力（賣出）</translation>
    </message>
    <message>
        <source>Edit…</source>
        <translation>修改…</translation>
    </message>
    <message>
        <source>Arm</source>
        <translation>監控</translation>
    </message>
    <message>
        <source>Cancel</source>
        <translation>取消</translation>
    </message>
    <message>
        <source>Close position…</source>
        <translation>平倉…</translation>
    </message>
    <message>
        <source>Release: leave its lots unguarded…</source>
        <translation>解除守護：保留部位…</translation>
    </message>
    <message>
        <source>No conditions. Add a support to buy at or a resistance to sell at.</source>
        <translation>沒有條件單。請新增支撐買進或壓力賣出。</translation>
    </message>
    <message>
        <source>Guard again</source>
        <translation>重新守護</translation>
    </message>
    <message>
        <source>Close {lots} lots of {symbol} at the market and end this condition?</source>
        <translation>以市價平倉 {symbol} {lots} 口，並結束此條件？</translation>
    </message>
    <message>
        <source>Close position</source>
        <translation>平倉</translation>
    </message>
    <message>
        <source>Stop guarding {lots} lots of {symbol}? The position stays, without take profit or stop loss.</source>
        <translation>停止守護 {symbol} {lots} 口？部位將保留，但不再有停利與停損。</translation>
    </message>
    <message>
        <source>Release</source>
        <translation>解除守護</translation>
    </message>
</context>
<context>
    <name>ConnectionDialog</name>
    <message>
        <source>Developer connection</source>
        <translation>開發者連線</translation>
    </message>
    <message>
        <source>A program of yours can read the feed and ask, never order. Put its public key into the settings ([wire] reader_keys), log in again, and connect with the key below. Every run has new keys; engine/wire/PROTOCOL.md describes the messages.</source>
        <translation>您自己的程式可以讀取行情與查詢，但不能下單。請將該程式的公鑰加入設定（[wire] reader_keys），重新登入，並使用下方的公鑰連線。每次執行都會產生新的金鑰；訊息格式見 engine/wire/PROTOCOL.md。</translation>
    </message>
</context>
<context>
    <name>ContractsDock</name>
    <message>
        <source>Contracts</source>
        <translation>商品報價</translation>
    </message>
    <message>
        <source>Watched only</source>
        <translation>僅顯示已訂閱</translation>
    </message>
    <message>
        <source>No contracts yet: log in, and tick the contracts to watch.</source>
        <translation>尚無商品：請先登入，再勾選要訂閱的商品。</translation>
    </message>
    <message>
        <source>All products</source>
        <translation>全部商品</translation>
    </message>
</context>
<context>
    <name>Coverage</name>
    <message>
        <source>Long</source>
        <translation>多單</translation>
    </message>
    <message>
        <source>Short</source>
        <translation>空單</translation>
    </message>
    <message>
        <source>Protection unknown</source>
        <translation>守護狀態不明</translation>
    </message>
    <message>
        <source>{lots} guarded, {closing} of them closing</source>
        <translation>守護 {lots} 口（其中 {closing} 口平倉中）</translation>
    </message>
    <message>
        <source>nothing heard yet</source>
        <translation>尚無任何訊息</translation>
    </message>
    <message>
        <source>last heard {age} ago</source>
        <translation>最後訊息在 {age} 前</translation>
    </message>
    <message>
        <source>{lots} held by no condition</source>
        <translation>{lots} 口沒有條件守護</translation>
    </message>
    <message>
        <source>{lots} guarded</source>
        <translation>守護 {lots} 口</translation>
    </message>
    <message>
        <source>{lots} NOT guarded</source>
        <translation>未守護 {lots} 口</translation>
    </message>
    <message>
        <source>{id}: {stop} {stop_price}, {target} {target_price}</source>
        <translation>{id}：{stop} {stop_price}，{target} {target_price}</translation>
    </message>
    <message>
        <source>{reasons}, for {age}</source>
        <translation>{reasons}，已 {age}</translation>
    </message>
    <message>
        <source>NOT GUARDED: {lots}</source>
        <translation>未守護：{lots}</translation>
    </message>
</context>
<context>
    <name>CoverageRow</name>
    <message>
        <source>Acknowledge</source>
        <translation>知道了</translation>
    </message>
    <message>
        <source>Silence this alarm; it stays until the lots are guarded</source>
        <translation>關閉此警報的聲音；警示會保留到部位受守護為止</translation>
    </message>
    <message>
        <source>Start trading</source>
        <translation>啟動交易</translation>
    </message>
    <message>
        <source>Start the processes that watch the stops</source>
        <translation>啟動監看停損的程序</translation>
    </message>
    <message>
        <source>Start again</source>
        <translation>再次啟動</translation>
    </message>
    <message>
        <source>Start the process that died too often, whose log says why</source>
        <translation>啟動多次中止的程序；原因見其記錄</translation>
    </message>
    <message>
        <source>Guard again</source>
        <translation>重新守護</translation>
    </message>
    <message>
        <source>Guard…</source>
        <translation>設定守護…</translation>
    </message>
    <message>
        <source>Put the lots that nothing guards under guard</source>
        <translation>為未受守護的口數設定停損停利</translation>
    </message>
    <message>
        <source>Flatten…</source>
        <translation>平倉…</translation>
    </message>
</context>
<context>
    <name>CoverageStrip</name>
    <message>
        <source>No position: not logged in.</source>
        <translation>沒有部位：尚未登入。</translation>
    </message>
    <message>
        <source>No position.</source>
        <translation>沒有部位。</translation>
    </message>
    <message>
        <source>Positions unknown: nothing heard from the gateway yet.</source>
        <translation>部位不明：尚未收到閘道訊息。</translation>
    </message>
    <message>
        <source>Positions unknown: the gateway was last heard {age} ago.</source>
        <translation>部位不明：閘道最後訊息在 {age} 前。</translation>
    </message>
</context>
<context>
    <name>Differences</name>
    <message>
        <source>{symbol}: {kind}: ours {ours}, the broker&apos;s {theirs}</source>
        <translation>{symbol}：{kind}：本程式 {ours}，期貨商 {theirs}</translation>
    </message>
    <message>
        <source>No entry passes here. Ask again; if it stays, take over the broker&apos;s figure.</source>
        <translation>此商品暫停進場。請再次核對；若仍不符，採用期貨商的數字。</translation>
    </message>
    <message>
        <source>Watch it where it was made: this program does not touch it.</source>
        <translation>請在原下單處查看：本程式不會更動。</translation>
    </message>
    <message>
        <source>Ask again; if it stays, look at the order in the broker&apos;s own program.</source>
        <translation>請再次核對；若仍不符，請至期貨商的程式查看該委託。</translation>
    </message>
</context>
<context>
    <name>DifferencesDock</name>
    <message>
        <source>Ask again</source>
        <translation>再次核對</translation>
    </message>
    <message>
        <source>Compare orders, fills and positions with the broker now</source>
        <translation>立即與期貨商核對委託、成交與部位</translation>
    </message>
    <message>
        <source>Take over the broker&apos;s figure…</source>
        <translation>採用期貨商的數字…</translation>
    </message>
    <message>
        <source>Broker check</source>
        <translation>對帳</translation>
    </message>
    <message>
        <source>Our books and the broker&apos;s agree.</source>
        <translation>本程式與期貨商的帳務相符。</translation>
    </message>
    <message>
        <source>Not yet compared with the broker.</source>
        <translation>尚未與期貨商核對。</translation>
    </message>
    <message>
        <source>The broker did not answer: {why}</source>
        <translation>期貨商未回覆：{why}</translation>
    </message>
    <message>
        <source>Last compared {age} ago.</source>
        <translation>{age} 前核對。</translation>
    </message>
</context>
<context>
    <name>Display</name>
    <message>
        <source>{symbol}: our books and the broker&apos;s agree again.</source>
        <translation>{symbol}：本程式與期貨商的帳務已相符。</translation>
    </message>
    <message>
        <source>Risk limits changed: {text}</source>
        <translation>風控上限已變更：{text}</translation>
    </message>
    <message>
        <source>The replay has ended.</source>
        <translation>重播已結束。</translation>
    </message>
    <message>
        <source>The alarm is over.</source>
        <translation>警報已解除。</translation>
    </message>
</context>
<context>
    <name>Drill</name>
    <message>
        <source>The strategy process is killed</source>
        <translation>強制終止策略程序</translation>
    </message>
    <message>
        <source>The executor process is killed</source>
        <translation>強制終止下單程序</translation>
    </message>
    <message>
        <source>The recorder process is killed</source>
        <translation>強制終止紀錄程序</translation>
    </message>
    <message>
        <source>The strategy process is killed at each point of an order&apos;s life</source>
        <translation>依序在委託生命週期的每一點終止策略程序</translation>
    </message>
    <message>
        <source>The executor process is killed at each point of an order&apos;s life</source>
        <translation>依序在委託生命週期的每一點終止下單程序</translation>
    </message>
    <message>
        <source>The recorder process is killed at each point of an order&apos;s life</source>
        <translation>依序在委託生命週期的每一點終止紀錄程序</translation>
    </message>
    <message>
        <source>The main process is killed at a random moment</source>
        <translation>在隨機時刻強制終止主程序</translation>
    </message>
    <message>
        <source>The main process is killed before an intent is written</source>
        <translation>主程序在寫入下單意圖前被終止</translation>
    </message>
    <message>
        <source>The main process is killed before the broker is called</source>
        <translation>主程序在呼叫期貨商前被終止</translation>
    </message>
    <message>
        <source>The main process is killed before the outcome of a call is written</source>
        <translation>主程序在寫入呼叫結果前被終止</translation>
    </message>
    <message>
        <source>The main process is killed before a reply is published</source>
        <translation>主程序在發布回覆前被終止</translation>
    </message>
    <message>
        <source>The main process is killed before a fill is published</source>
        <translation>主程序在發布成交前被終止</translation>
    </message>
    <message>
        <source>The answer to an order is lost, the order lives</source>
        <translation>委託回覆遺失，委託有效</translation>
    </message>
    <message>
        <source>An order and its answer are lost</source>
        <translation>委託與回覆皆遺失</translation>
    </message>
    <message>
        <source>Reports and fills are told twice</source>
        <translation>回報與成交重複送達</translation>
    </message>
    <message>
        <source>Reports and fills overtake each other</source>
        <translation>回報與成交次序錯亂</translation>
    </message>
    <message>
        <source>Orders are filled in part</source>
        <translation>委託部分成交</translation>
    </message>
    <message>
        <source>Fills come after the end of their order</source>
        <translation>委託結束後才收到成交</translation>
    </message>
    <message>
        <source>The link to the exchange drops</source>
        <translation>與交易所斷線</translation>
    </message>
    <message>
        <source>The feed falls silent</source>
        <translation>行情中斷</translation>
    </message>
    <message>
        <source>The strategy process freezes</source>
        <translation>策略程序凍結</translation>
    </message>
    <message>
        <source>The executor process freezes</source>
        <translation>下單程序凍結</translation>
    </message>
    <message>
        <source>The recorder process freezes</source>
        <translation>紀錄程序凍結</translation>
    </message>
    <message>
        <source>The main process freezes for a moment</source>
        <translation>主程序短暫凍結</translation>
    </message>
    <message>
        <source>The disk of the ledger is full</source>
        <translation>帳本磁碟已滿</translation>
    </message>
    <message>
        <source>{runs} runs, {orders} orders, {fills} fills, the main process killed {deaths} times: {duplicates} orders twice, {lost} fills lost, {disagreements} disagreements. Longest without guard {longest} s; the limit is {limit} s, and {twice} s after the death of the main process.</source>
        <translation>共 {runs} 次、委託 {orders} 筆、成交 {fills} 筆，主程序遭終止 {deaths} 次：重複委託 {duplicates} 筆、遺失成交 {lost} 筆、不符 {disagreements} 項。最長未守護 {longest} 秒；上限 {limit} 秒，主程序終止後為 {twice} 秒。</translation>
    </message>
    <message>
        <source>Other programs took {seconds} s of the machine; the limits were longer by as much.</source>
        <translation>其他程式占用了本機 {seconds} 秒，上限因此等量延長。</translation>
    </message>
    <message>
        <source>{proofs} times the price was moved through the exits of guarded lots, and they were closed in time.</source>
        <translation>價格 {proofs} 次被推過守護中部位的出場價，均及時平倉。</translation>
    </message>
</context>
<context>
    <name>DrillDialog</name>
    <message>
        <source>The drill could not be run.</source>
        <translation>無法執行演練。</translation>
    </message>
    <message>
        <source>Ended early: nothing is proven.</source>
        <translation>提前結束：未能證明任何事項。</translation>
    </message>
    <message>
        <source>Fire drill</source>
        <translation>故障演練</translation>
    </message>
    <message>
        <source>Processes are killed and frozen, answers lost, links cut and the disk filled, on a simulated exchange of its own: real processes, no real order. Afterwards the exchange&apos;s own books say whether every order, fill and guard is as it should be. Your own session goes on meanwhile.</source>
        <translation>在獨立的模擬交易所上終止與凍結程序、遺失回覆、切斷連線、塞滿磁碟：程序為真，委託為假。之後以交易所自己的帳核對每筆委託、成交與守護。您目前的交易不受影響。</translation>
    </message>
    <message>
        <source>Runs</source>
        <translation>次數</translation>
    </message>
    <message>
        <source>Seed</source>
        <translation>亂數種子</translation>
    </message>
    <message>
        <source>The same seed makes the same faults at the same moments</source>
        <translation>相同種子會在相同時刻產生相同故障</translation>
    </message>
    <message>
        <source>Start the drill</source>
        <translation>開始演練</translation>
    </message>
    <message>
        <source>Stop</source>
        <translation>停止</translation>
    </message>
    <message>
        <source>Each kind of fault gets a line here once it was tried.</source>
        <translation>每種故障測試後會列於此處。</translation>
    </message>
    <message>
        <source>PASSED: every promise held.</source>
        <translation>通過：所有承諾皆成立。</translation>
    </message>
    <message>
        <source>Repeat it with seed {seed}; run {run} broke it. The ledger: {path}</source>
        <translation>以種子 {seed} 可重現；第 {run} 次未通過。帳本：{path}</translation>
    </message>
    <message>
        <source>FAILED: a promise was broken.</source>
        <translation>未通過：有承諾未成立。</translation>
    </message>
</context>
<context>
    <name>ExitFields</name>
    <message>
        <source>After entry</source>
        <translation>進場後</translation>
    </message>
    <message>
        <source>At the close</source>
        <translation>收盤時</translation>
    </message>
    <message>
        <source>Take profit, points</source>
        <translation>停利點數</translation>
    </message>
    <message>
        <source>Stop loss, points</source>
        <translation>停損點數</translation>
    </message>
    <message>
        <source>Measured from</source>
        <translation>停損停利基準</translation>
    </message>
    <message>
        <source>Breakeven after, points</source>
        <translation>保本啟動點數</translation>
    </message>
    <message>
        <source>Trailing stop, points</source>
        <translation>移動停損點數</translation>
    </message>
    <message>
        <source>Time stop, min:s</source>
        <translation>時間停損（分:秒）</translation>
    </message>
    <message>
        <source>Once the price was so far in favour, the stop moves to the price of entry.</source>
        <translation>價格有利達此點數後，停損移至進場價位。</translation>
    </message>
    <message>
        <source>The stop follows the best price at this distance.</source>
        <translation>停損以此距離跟隨最有利的價格。</translation>
    </message>
    <message>
        <source>The lots are closed after this time, whatever the price.</source>
        <translation>經過此時間後，不論價格一律平倉。</translation>
    </message>
    <message>
        <source>Off</source>
        <translation>關閉</translation>
    </message>
    <message>
        <source>The guard goes on in the next session. A condition that still waits goes on, too.</source>
        <translation>下一盤繼續守護；尚未進場的條件繼續等待。</translation>
    </message>
    <message>
        <source>Its lots are closed shortly before the close. A condition that still waits is cancelled.</source>
        <translation>收盤前不久平倉；尚未進場的條件將取消。</translation>
    </message>
    <message>
        <source>Its lots are held without stop or target until you guard them again. A condition that still waits is cancelled.</source>
        <translation>部位保留但沒有停損停利，直到您重新守護；尚未進場的條件將取消。</translation>
    </message>
</context>
<context>
    <name>FillsDock</name>
    <message>
        <source>Fills</source>
        <translation>成交</translation>
    </message>
    <message>
        <source>No fills yet.</source>
        <translation>尚無成交。</translation>
    </message>
</context>
<context>
    <name>Flatten</name>
    <message>
        <source>Flatten {symbol}? Working orders are cancelled, its conditions are released and {lots} lots are closed at the market.</source>
        <translation>平倉 {symbol}？將取消有效委託、解除其條件，並以市價平倉 {lots} 口。</translation>
    </message>
    <message>
        <source>Flatten {symbol}</source>
        <translation>平倉 {symbol}</translation>
    </message>
    <message>
        <source>Flatten</source>
        <translation>平倉</translation>
    </message>
</context>
<context>
    <name>GuardDialog</name>
    <message>
        <source>Guard</source>
        <translation>開始守護</translation>
    </message>
    <message>
        <source>Cancel</source>
        <translation>取消</translation>
    </message>
    <message>
        <source>Guard {symbol}</source>
        <translation>守護 {symbol}</translation>
    </message>
    <message>
        <source>Lots to guard</source>
        <translation>守護口數</translation>
    </message>
    <message>
        <source>The market is beyond this stop already: the lots would be closed at once.</source>
        <translation>市價已越過此停損：將立即平倉。</translation>
    </message>
    <message>
        <source>The market is beyond this target already: the lots would be closed at once.</source>
        <translation>市價已越過此停利：將立即平倉。</translation>
    </message>
</context>
<context>
    <name>Guarding</name>
    <message>
        <source>nothing is heard from the gateway</source>
        <translation>收不到閘道訊息</translation>
    </message>
</context>
<context>
    <name>Import</name>
    <message>
        <source>Waiting</source>
        <translation>等待中</translation>
    </message>
    <message>
        <source>Cancelled</source>
        <translation>已取消</translation>
    </message>
    <message>
        <source>Imported</source>
        <translation>已匯入</translation>
    </message>
    <message>
        <source>Nothing new</source>
        <translation>沒有新資料</translation>
    </message>
    <message>
        <source>Where the store has more of a session than the file, the store&apos;s stays.</source>
        <translation>若行情庫中某個交易時段的資料比檔案完整，則保留行情庫的資料。</translation>
    </message>
    <message>
        <source>Trade dates: {days}. Rows: {rows}, new {new}, already there {old}, replaced by a correction {replaced}.</source>
        <translation>交易日：{days}。共 {rows} 筆，新增 {new}，已存在 {old}，更正取代 {replaced}。</translation>
    </message>
</context>
<context>
    <name>ImportDialog</name>
    <message>
        <source>The import could not be done.</source>
        <translation>無法匯入。</translation>
    </message>
    <message>
        <source>Import market data</source>
        <translation>匯入行情資料</translation>
    </message>
    <message>
        <source>Recorded days for charts and replays. A file is taken whole or not at all, and what the store has already changes nothing: an import may be stopped and begun again. Trading goes on meanwhile.</source>
        <translation>匯入過去的行情，供圖表與重播使用。每個檔案不是完整匯入就是完全不匯入；行情庫已有的資料不會改變，因此可以隨時停止並重新開始。匯入期間交易照常進行。</translation>
    </message>
    <message>
        <source>Add files…</source>
        <translation>加入檔案…</translation>
    </message>
    <message>
        <source>Add folder…</source>
        <translation>加入資料夾…</translation>
    </message>
    <message>
        <source>Clear</source>
        <translation>清除</translation>
    </message>
    <message>
        <source>Import</source>
        <translation>匯入</translation>
    </message>
    <message>
        <source>Cancel</source>
        <translation>取消</translation>
    </message>
    <message>
        <source>Close</source>
        <translation>關閉</translation>
    </message>
    <message>
        <source>Drop files or folders here, or add them.</source>
        <translation>將檔案或資料夾拖放至此，或按上方按鈕加入。</translation>
    </message>
    <message>
        <source>Market data (*.zip *.csv *.csv.gz)</source>
        <translation>行情資料 (*.zip *.csv *.csv.gz)</translation>
    </message>
    <message>
        <source>Looking for files…</source>
        <translation>正在尋找檔案…</translation>
    </message>
    <message>
        <source>Stopping: the file in work is given up…</source>
        <translation>正在停止：放棄處理中的檔案…</translation>
    </message>
    <message>
        <source>File {number} of {files}: {name}. {rows} rows so far.</source>
        <translation>第 {number} 個檔案，共 {files} 個：{name}。目前 {rows} 筆。</translation>
    </message>
    <message>
        <source>Cancelled: {done} of {files} files are in the store.</source>
        <translation>已取消：{files} 個檔案中有 {done} 個已在行情庫。</translation>
    </message>
    <message>
        <source>{done} of {files} files are in the store.</source>
        <translation>{files} 個檔案中有 {done} 個已在行情庫。</translation>
    </message>
    <message>
        <source>{done} of {files} files are in the store; the others were refused and changed nothing.</source>
        <translation>{files} 個檔案中有 {done} 個已在行情庫；其餘遭拒絕，未變更任何資料。</translation>
    </message>
</context>
<context>
    <name>LevelsPreview</name>
    <message>
        <source>Trigger</source>
        <translation>觸價</translation>
    </message>
    <message>
        <source>Average price</source>
        <translation>平均價</translation>
    </message>
    <message>
        <source>Entry</source>
        <translation>進場</translation>
    </message>
    <message>
        <source>Take profit</source>
        <translation>停利</translation>
    </message>
    <message>
        <source>Stop loss</source>
        <translation>停損</translation>
    </message>
    <message>
        <source>Last price</source>
        <translation>成交價</translation>
    </message>
    <message>
        <source>Risk</source>
        <translation>風險</translation>
    </message>
    <message>
        <source>Reward</source>
        <translation>報酬</translation>
    </message>
    <message>
        <source>TWD before fees and tax</source>
        <translation>新臺幣，未計手續費與稅</translation>
    </message>
    <message>
        <source>The levels appear here once a trigger price is set.</source>
        <translation>輸入觸價價格後，此處顯示各價位。</translation>
    </message>
</context>
<context>
    <name>Limits</name>
    <message>
        <source>Now {lots} lots.</source>
        <translation>目前 {lots} 口。</translation>
    </message>
    <message>
        <source>Now {amount} TWD.</source>
        <translation>目前 {amount} 元。</translation>
    </message>
    <message>
        <source>So far {count}.</source>
        <translation>目前 {count} 筆。</translation>
    </message>
</context>
<context>
    <name>LimitsDialog</name>
    <message>
        <source>Risk limits</source>
        <translation>風控上限</translation>
    </message>
    <message>
        <source>Why, for the ledger (may be empty)</source>
        <translation>變更原因，記入帳本（可留空）</translation>
    </message>
    <message>
        <source>Set limits</source>
        <translation>套用</translation>
    </message>
    <message>
        <source>Cancel</source>
        <translation>取消</translation>
    </message>
    <message>
        <source>Exits and cancels pass whatever the limits. The settings file says what the next start has.</source>
        <translation>平倉與刪單不受上限限制。下次啟動時以設定檔為準。</translation>
    </message>
    <message>
        <source>Size</source>
        <translation>口數</translation>
    </message>
    <message>
        <source>Loss and margin</source>
        <translation>虧損與保證金</translation>
    </message>
    <message>
        <source>Pace</source>
        <translation>頻率</translation>
    </message>
    <message>
        <source>Prices and sessions</source>
        <translation>價格與盤別</translation>
    </message>
    <message>
        <source>{limit}: write product and TWD as TXF=322000, with commas between.</source>
        <translation>{limit}：請以 TXF=322000 的格式輸入商品與金額，並以逗號分隔。</translation>
    </message>
    <message>
        <source>{limit}: 0 would let no entry through; to stop all entries, halt trading.</source>
        <translation>{limit}：設為 0 將無法進場；若要停止進場，請使用暫停交易。</translation>
    </message>
    <message>
        <source>{limit}: one contract alone may not hold more than all together.</source>
        <translation>{limit}：單一商品不可多於全部商品合計。</translation>
    </message>
    <message>
        <source>{limit}: not possible.</source>
        <translation>{limit}：數值不可行。</translation>
    </message>
    <message>
        <source>Lots of one order</source>
        <translation>單筆委託口數</translation>
    </message>
    <message>
        <source>Lots of one contract</source>
        <translation>單一商品口數</translation>
    </message>
    <message>
        <source>Net, in one account; working orders count as if filled.</source>
        <translation>單一帳號淨口數；有效委託視同成交。</translation>
    </message>
    <message>
        <source>Lots of all contracts</source>
        <translation>全部商品口數</translation>
    </message>
    <message>
        <source>Long and short added up; working entries count as if filled.</source>
        <translation>多空相加；有效進場委託視同成交。</translation>
    </message>
    <message>
        <source>Loss of a day, TWD</source>
        <translation>單日虧損（元）</translation>
    </message>
    <message>
        <source>Realised and unrealised, after costs; from there no entry passes. 0 = off.</source>
        <translation>已實現加未實現，扣除成本；達到後不再進場。0 = 關閉。</translation>
    </message>
    <message>
        <source>When that is reached</source>
        <translation>達到時</translation>
    </message>
    <message>
        <source>How deep trading is halted; only a person resumes.</source>
        <translation>暫停交易的程度；只能由人工恢復。</translation>
    </message>
    <message>
        <source>Margin bound, TWD</source>
        <translation>占用保證金（元）</translation>
    </message>
    <message>
        <source>0 = the equity of the account, where the broker tells it.</source>
        <translation>0 = 以帳戶權益數為準（若期貨商提供）。</translation>
    </message>
    <message>
        <source>Initial margin of a lot</source>
        <translation>每口原始保證金</translation>
    </message>
    <message>
        <source>The exchange changes it: look it up. Used where a limit of margin is known.</source>
        <translation>期交所會調整，請自行查詢。僅在有保證金上限時使用。</translation>
    </message>
    <message>
        <source>Entries a minute</source>
        <translation>每分鐘進場委託</translation>
    </message>
    <message>
        <source>Of strategies and people together.</source>
        <translation>策略與人工合計。</translation>
    </message>
    <message>
        <source>Entries a day</source>
        <translation>每日進場委託</translation>
    </message>
    <message>
        <source>Double click, seconds</source>
        <translation>重複委託（秒）</translation>
    </message>
    <message>
        <source>The same order by hand again within this time is refused.</source>
        <translation>此時間內重複的手動委託將被拒絕。</translation>
    </message>
    <message>
        <source>Age of a signal, seconds</source>
        <translation>訊號時效（秒）</translation>
    </message>
    <message>
        <source>An older entry signal is refused. Exits never grow stale.</source>
        <translation>逾時的進場訊號將被拒絕；出場不受限。</translation>
    </message>
    <message>
        <source>Price band, %</source>
        <translation>價格偏離（%）</translation>
    </message>
    <message>
        <source>How far a limit price may lie beyond the last trade, on the aggressive side.</source>
        <translation>限價可較成交價不利的最大幅度。</translation>
    </message>
    <message>
        <source>Silence of quotes, seconds</source>
        <translation>行情中斷（秒）</translation>
    </message>
    <message>
        <source>A feed silent for longer lets no entry through.</source>
        <translation>行情中斷超過此時間即不可進場。</translation>
    </message>
    <message>
        <source>Before the close, seconds</source>
        <translation>收盤前（秒）</translation>
    </message>
    <message>
        <source>No entry in the last seconds of a session. 0 = off.</source>
        <translation>收盤前最後幾秒不可進場。0 = 關閉。</translation>
    </message>
</context>
<context>
    <name>LogDock</name>
    <message>
        <source>Log</source>
        <translation>紀錄</translation>
    </message>
    <message>
        <source>Lightest level to show</source>
        <translation>顯示的最低等級</translation>
    </message>
    <message>
        <source>Filter by text</source>
        <translation>以文字篩選</translation>
    </message>
    <message>
        <source>Clear</source>
        <translation>清除</translation>
    </message>
    <message>
        <source>Nothing logged that the filter lets through.</source>
        <translation>沒有符合篩選的紀錄。</translation>
    </message>
</context>
<context>
    <name>LoginDialog</name>
    <message>
        <source>TAIFEX daily file</source>
        <translation>期交所每日檔</translation>
    </message>
    <message>
        <source>Market store</source>
        <translation>行情庫</translation>
    </message>
    <message>
        <source>Log in</source>
        <translation>登入</translation>
    </message>
    <message>
        <source>Broker</source>
        <translation>期貨商</translation>
    </message>
    <message>
        <source>User</source>
        <translation>使用者</translation>
    </message>
    <message>
        <source>Password</source>
        <translation>密碼</translation>
    </message>
    <message>
        <source>Environment</source>
        <translation>環境</translation>
    </message>
    <message>
        <source>Certificate</source>
        <translation>憑證</translation>
    </message>
    <message>
        <source>Certificate password</source>
        <translation>憑證密碼</translation>
    </message>
    <message>
        <source>Recorded day</source>
        <translation>歷史資料</translation>
    </message>
    <message>
        <source>File</source>
        <translation>檔案</translation>
    </message>
    <message>
        <source>Speed</source>
        <translation>速度</translation>
    </message>
    <message>
        <source>Begin paused</source>
        <translation>開始時先暫停</translation>
    </message>
    <message>
        <source>{factor}×</source>
        <translation>{factor} 倍</translation>
    </message>
    <message>
        <source>As fast as possible</source>
        <translation>最快速度</translation>
    </message>
    <message>
        <source>Remember the password in the system&apos;s keyring</source>
        <translation>將密碼記在系統金鑰圈</translation>
    </message>
    <message>
        <source>Certificates (*.pfx *.p12);;All files (*)</source>
        <translation>憑證 (*.pfx *.p12);;所有檔案 (*)</translation>
    </message>
    <message>
        <source>TAIFEX daily files (*.zip *.csv *.rpt);;All files (*)</source>
        <translation>期交所每日檔案 (*.zip *.csv *.rpt);;所有檔案 (*)</translation>
    </message>
    <message>
        <source>Cancel</source>
        <translation>取消</translation>
    </message>
    <message>
        <source>Any name</source>
        <translation>任意名稱</translation>
    </message>
    <message>
        <source>There is no file {path}.</source>
        <translation>找不到檔案 {path}。</translation>
    </message>
    <message>
        <source>Logging in…</source>
        <translation>登入中…</translation>
    </message>
</context>
<context>
    <name>MainWindow</name>
    <message>
        <source>&amp;File</source>
        <translation>檔案(&amp;F)</translation>
    </message>
    <message>
        <source>&amp;View</source>
        <translation>檢視(&amp;V)</translation>
    </message>
    <message>
        <source>Panels</source>
        <translation>面板</translation>
    </message>
    <message>
        <source>Theme</source>
        <translation>主題</translation>
    </message>
    <message>
        <source>Language</source>
        <translation>語言</translation>
    </message>
    <message>
        <source>&amp;Help</source>
        <translation>說明(&amp;H)</translation>
    </message>
    <message>
        <source>Log in…</source>
        <translation>登入…</translation>
    </message>
    <message>
        <source>Log out</source>
        <translation>登出</translation>
    </message>
    <message>
        <source>Import market data…</source>
        <translation>匯入行情資料…</translation>
    </message>
    <message>
        <source>Settings…</source>
        <translation>設定…</translation>
    </message>
    <message>
        <source>Quit</source>
        <translation>結束</translation>
    </message>
    <message>
        <source>Reset layout</source>
        <translation>重設版面</translation>
    </message>
    <message>
        <source>Full screen</source>
        <translation>全螢幕</translation>
    </message>
    <message>
        <source>Developer connection…</source>
        <translation>開發者連線…</translation>
    </message>
    <message>
        <source>Fire drill…</source>
        <translation>故障演練…</translation>
    </message>
    <message>
        <source>About</source>
        <translation>關於</translation>
    </message>
    <message>
        <source>Dark</source>
        <translation>深色</translation>
    </message>
    <message>
        <source>Light</source>
        <translation>淺色</translation>
    </message>
    <message>
        <source>Futures Terminal</source>
        <translation>期貨交易終端</translation>
    </message>
</context>
<context>
    <name>MarketView</name>
    <message>
        <source>The chart begins without history: {text}</source>
        <translation>圖表沒有歷史資料：{text}</translation>
    </message>
</context>
<context>
    <name>MinutesEdit</name>
    <message>
        <source>The files are</source>
        <translation>檔案內容</translation>
    </message>
    <message>
        <source>Their times are</source>
        <translation>時間代表</translation>
    </message>
    <message>
        <source>Time zone</source>
        <translation>時區</translation>
    </message>
    <message>
        <source>Contract</source>
        <translation>契約</translation>
    </message>
    <message>
        <source>TXFK4, or TXF where a column names the month; empty = columns tell</source>
        <translation>TXFK4；若有月份欄位則填 TXF；空白表示由欄位判斷</translation>
    </message>
    <message>
        <source>Of times that carry no offset</source>
        <translation>適用於未標示時差的時間</translation>
    </message>
    <message>
        <source>Daily files of the exchange (zip or csv)</source>
        <translation>期交所每日檔（zip 或 csv）</translation>
    </message>
    <message>
        <source>1-minute bars (csv)</source>
        <translation>1 分 K 線（csv）</translation>
    </message>
    <message>
        <source>the start of the minute</source>
        <translation>該分鐘的開始</translation>
    </message>
    <message>
        <source>its end</source>
        <translation>該分鐘的結束</translation>
    </message>
</context>
<context>
    <name>OrdersDock</name>
    <message>
        <source>Orders</source>
        <translation>委託</translation>
    </message>
    <message>
        <source>Cancel order</source>
        <translation>刪單</translation>
    </message>
    <message>
        <source>Cancel what is left of the selected order (Del)</source>
        <translation>刪除所選委託的剩餘口數（Del）</translation>
    </message>
    <message>
        <source>Change…</source>
        <translation>改單…</translation>
    </message>
    <message>
        <source>Cancel all…</source>
        <translation>全部刪單…</translation>
    </message>
    <message>
        <source>Ask the broker</source>
        <translation>向期貨商查詢</translation>
    </message>
    <message>
        <source>Ask what became of the orders whose outcome nobody knows</source>
        <translation>查詢狀態不明委託的結果</translation>
    </message>
    <message>
        <source>Declare dead…</source>
        <translation>宣告無效…</translation>
    </message>
    <message>
        <source>The selected order never reached the market, as you know for sure</source>
        <translation>您已確定所選委託從未送達市場</translation>
    </message>
    <message>
        <source>No orders yet.</source>
        <translation>尚無委託。</translation>
    </message>
    <message>
        <source>{count} with unknown outcome: check with the broker</source>
        <translation>{count} 筆狀態不明：請向期貨商查證</translation>
    </message>
    <message>
        <source>Cancel all {count} working orders?</source>
        <translation>刪除全部 {count} 筆有效委託？</translation>
    </message>
    <message>
        <source>Cancel orders</source>
        <translation>刪單</translation>
    </message>
    <message>
        <source>Nobody knows whether the order {id} ({side} {lots} {symbol}) reached the market. If it is declared dead and lives, its fills still count, but nothing else waits for it. Be sure: ask the broker by telephone, or look into the broker&apos;s own program.

Type {word} to declare it dead.</source>
        <translation>無法得知委託 {id}（{side} {lots} 口 {symbol}）是否已送達市場。若宣告無效而它仍有效，其成交仍會計入，但不再等待其結果。請先以電話或期貨商的程式確認。

輸入 {word} 以宣告無效。</translation>
    </message>
    <message>
        <source>What you know, for the ledger</source>
        <translation>您所知的情況，記入帳本</translation>
    </message>
    <message>
        <source>Declare dead</source>
        <translation>宣告無效</translation>
    </message>
</context>
<context>
    <name>PastLabel</name>
    <message>
        <source>History is being loaded…</source>
        <translation>正在載入歷史資料…</translation>
    </message>
    <message>
        <source>History begins {time}</source>
        <translation>歷史資料自 {time} 起</translation>
    </message>
    <message>
        <source>No history in the store. File, Import market data… brings recorded days.</source>
        <translation>行情庫沒有歷史資料，可由「檔案」→「匯入行情資料…」匯入。</translation>
    </message>
    <message>
        <source>No history: a simulated market begins with the login.</source>
        <translation>沒有歷史資料：模擬市場於登入時開始。</translation>
    </message>
    <message>
        <source>No history: the recorder is switched off in the settings.</source>
        <translation>沒有歷史資料：設定中已關閉記錄程序。</translation>
    </message>
    <message>
        <source>No history: {text}</source>
        <translation>沒有歷史資料：{text}</translation>
    </message>
</context>
<context>
    <name>Planning</name>
    <message>
        <source>Log in first.</source>
        <translation>請先登入。</translation>
    </message>
    <message>
        <source>Nothing to guard: conditions hold all lots of {symbol}.</source>
        <translation>無需設定：{symbol} 的所有口數都已有條件持有。</translation>
    </message>
</context>
<context>
    <name>Playing</name>
    <message>
        <source>A replay does not go back: its orders and fills have happened. Begin a new replay of the same day? This one ends with its conditions, orders and positions.</source>
        <translation>重播不能倒退：委託與成交已經發生。要重新播放同一天嗎？目前的重播將連同其條件、委託與部位一併結束。</translation>
    </message>
    <message>
        <source>The new one runs to {time} at once and waits there, paused.</source>
        <translation>新的重播會立即快轉到 {time} 並暫停等候。</translation>
    </message>
    <message>
        <source>Begin a new replay</source>
        <translation>重新播放</translation>
    </message>
    <message>
        <source>New replay</source>
        <translation>重新播放</translation>
    </message>
</context>
<context>
    <name>PositionsDock</name>
    <message>
        <source>Positions</source>
        <translation>部位</translation>
    </message>
    <message>
        <source>Unrealised</source>
        <translation>未實現</translation>
    </message>
    <message>
        <source>Realised</source>
        <translation>已實現</translation>
    </message>
    <message>
        <source>Fees and tax</source>
        <translation>手續費與稅</translation>
    </message>
    <message>
        <source>Total P&amp;L (TWD)</source>
        <translation>損益合計（新臺幣）</translation>
    </message>
    <message>
        <source>Guard this position…</source>
        <translation>守護此部位…</translation>
    </message>
    <message>
        <source>Flatten…</source>
        <translation>平倉…</translation>
    </message>
    <message>
        <source>No positions.</source>
        <translation>沒有部位。</translation>
    </message>
</context>
<context>
    <name>ReplaceDialog</name>
    <message>
        <source>Change order</source>
        <translation>改單</translation>
    </message>
    <message>
        <source>A new price loses time priority; fewer lots keep it.</source>
        <translation>改價將失去時間優先；減量則保留。</translation>
    </message>
    <message>
        <source>Price</source>
        <translation>價格</translation>
    </message>
    <message>
        <source>Total lots</source>
        <translation>總口數</translation>
    </message>
    <message>
        <source>{lots} lots filled</source>
        <translation>已成交 {lots} 口</translation>
    </message>
</context>
<context>
    <name>ReplayBar</name>
    <message>
        <source>REPLAY</source>
        <translation>重播</translation>
    </message>
    <message>
        <source>Jump</source>
        <translation>跳轉</translation>
    </message>
    <message>
        <source>One tick further (F7)</source>
        <translation>前進一筆 (F7)</translation>
    </message>
    <message>
        <source>One minute further (Shift+F7)</source>
        <translation>前進一分鐘 (Shift+F7)</translation>
    </message>
    <message>
        <source>Replay this day anew (Ctrl+F6)</source>
        <translation>重新播放這一天 (Ctrl+F6)</translation>
    </message>
    <message>
        <source>Market seconds in a second</source>
        <translation>每秒播放的市場秒數</translation>
    </message>
    <message>
        <source>Trading time: click or drag to jump</source>
        <translation>交易時間：點按或拖曳即可跳轉</translation>
    </message>
    <message>
        <source>Taipei time to jump to (Ctrl+J)</source>
        <translation>要跳轉到的台北時間 (Ctrl+J)</translation>
    </message>
    <message>
        <source>As fast as the strategies can, to this time</source>
        <translation>以策略能處理的最快速度前進到此時間</translation>
    </message>
    <message>
        <source>Fastest</source>
        <translation>最快</translation>
    </message>
    <message>
        <source>Pause (F6)</source>
        <translation>暫停 (F6)</translation>
    </message>
    <message>
        <source>Play (F6)</source>
        <translation>播放 (F6)</translation>
    </message>
</context>
<context>
    <name>Running</name>
    <message>
        <source>The window&apos;s link to the engine failed and begins anew: {text}</source>
        <translation>視窗與引擎的連線發生錯誤，正在重新建立：{text}</translation>
    </message>
    <message>
        <source>{node} runs again.</source>
        <translation>{node} 已恢復運作。</translation>
    </message>
</context>
<context>
    <name>Scanner</name>
    <message>
        <source>The price is near the trigger of the armed condition {condition}.</source>
        <translation>價格接近監控中條件單 {condition} 的觸發價。</translation>
    </message>
    <message>
        <source>The market has turned at this level more than once; the price is just above it.</source>
        <translation>市場曾多次在此價位轉折；現價略高於它。</translation>
    </message>
    <message>
        <source>The market has turned at this level more than once; the price is just below it.</source>
        <translation>市場曾多次在此價位轉折；現價略低於它。</translation>
    </message>
    <message>
        <source>The highest price of this session.</source>
        <translation>本盤最高價。</translation>
    </message>
    <message>
        <source>The lowest price of this session.</source>
        <translation>本盤最低價。</translation>
    </message>
    <message>
        <source>A minute with at least three times the average lots of the minutes before it.</source>
        <translation>這一分鐘的成交量至少是先前各分鐘平均的三倍。</translation>
    </message>
    <message>
        <source>A minute with at least three times the average range of the minutes before it.</source>
        <translation>這一分鐘的波幅至少是先前各分鐘平均的三倍。</translation>
    </message>
    <message>
        <source>The session opened above the whole range of the one before, and the gap is still open.</source>
        <translation>本盤開盤價高於前一盤的整個區間，缺口尚未回補。</translation>
    </message>
    <message>
        <source>The session opened below the whole range of the one before, and the gap is still open.</source>
        <translation>本盤開盤價低於前一盤的整個區間，缺口尚未回補。</translation>
    </message>
</context>
<context>
    <name>ScannerDock</name>
    <message>
        <source>Scanner</source>
        <translation>掃描</translation>
    </message>
    <message>
        <source>Nothing stands out now.</source>
        <translation>目前沒有值得注意的情況。</translation>
    </message>
    <message>
        <source>The scanner does not run.</source>
        <translation>掃描程序未執行。</translation>
    </message>
</context>
<context>
    <name>SettingsDialog</name>
    <message>
        <source>Settings</source>
        <translation>設定</translation>
    </message>
    <message>
        <source>Window</source>
        <translation>視窗</translation>
    </message>
    <message>
        <source>Risk limits of the gateway</source>
        <translation>閘道風控上限</translation>
    </message>
    <message>
        <source>Theme</source>
        <translation>主題</translation>
    </message>
    <message>
        <source>Language</source>
        <translation>語言</translation>
    </message>
    <message>
        <source>Dark</source>
        <translation>深色</translation>
    </message>
    <message>
        <source>Light</source>
        <translation>淺色</translation>
    </message>
    <message>
        <source>Ask before each order of the ticket</source>
        <translation>下單前逐筆確認</translation>
    </message>
    <message>
        <source>Largest order</source>
        <translation>單筆口數上限</translation>
    </message>
    <message>
        <source>{lots} lots</source>
        <translation>{lots} 口</translation>
    </message>
    <message>
        <source>Largest position</source>
        <translation>部位口數上限</translation>
    </message>
    <message>
        <source>Price band</source>
        <translation>價格偏離上限</translation>
    </message>
    <message>
        <source>Quotes may be silent for</source>
        <translation>行情中斷容許時間</translation>
    </message>
    <message>
        <source>Entry signals may be as old as</source>
        <translation>進場訊號有效時間</translation>
    </message>
    <message>
        <source>Change them in Trade, Risk limits. What the next start has is set in {path}.</source>
        <translation>可於「交易 › 風控上限」變更；下次啟動的數值設定於 {path}。</translation>
    </message>
</context>
<context>
    <name>StartBar</name>
    <message>
        <source>&amp;Trade</source>
        <translation>交易(&amp;T)</translation>
    </message>
    <message>
        <source>Start trading</source>
        <translation>啟動交易</translation>
    </message>
    <message>
        <source>Start the strategies and the executor</source>
        <translation>啟動策略與下單程序</translation>
    </message>
    <message>
        <source>Stop trading</source>
        <translation>停止交易</translation>
    </message>
    <message>
        <source>Stop strategies and executor; orders and positions stay, unguarded</source>
        <translation>停止策略與下單程序；委託與部位保留，但不再守護</translation>
    </message>
    <message>
        <source>Start again</source>
        <translation>再次啟動</translation>
    </message>
    <message>
        <source>Start the process that died too often, whose log says why</source>
        <translation>啟動多次中止的程序；原因見其記錄</translation>
    </message>
    <message>
        <source>Stop new entries</source>
        <translation>停止新進場</translation>
    </message>
    <message>
        <source>No new entries; exits, stops and cancels still work</source>
        <translation>不再新進場；出場、停損與刪單仍有效</translation>
    </message>
    <message>
        <source>Cancel working orders</source>
        <translation>取消有效委託</translation>
    </message>
    <message>
        <source>No new entries, and all working orders are cancelled</source>
        <translation>不再新進場，並取消所有有效委託</translation>
    </message>
    <message>
        <source>Flatten…</source>
        <translation>全部平倉…</translation>
    </message>
    <message>
        <source>Cancel all orders, release all conditions and close all positions at the market</source>
        <translation>取消所有委託、解除所有條件，並以市價平倉所有部位</translation>
    </message>
    <message>
        <source>Resume…</source>
        <translation>恢復交易…</translation>
    </message>
    <message>
        <source>Let new entries through again</source>
        <translation>恢復新進場</translation>
    </message>
    <message>
        <source>Risk limits…</source>
        <translation>風控上限…</translation>
    </message>
    <message>
        <source>See and change the limits of risk</source>
        <translation>檢視與變更風控上限</translation>
    </message>
    <message>
        <source>Conditions: {count}</source>
        <translation>條件：{count}</translation>
    </message>
    <message>
        <source>Login</source>
        <translation>登入</translation>
    </message>
    <message>
        <source>Contract</source>
        <translation>商品</translation>
    </message>
    <message>
        <source>Account</source>
        <translation>帳號</translation>
    </message>
    <message>
        <source>Condition</source>
        <translation>條件</translation>
    </message>
    <message>
        <source>Log in first (File, Log in).</source>
        <translation>請先登入（檔案 › 登入）。</translation>
    </message>
    <message>
        <source>Tick at least one contract to watch.</source>
        <translation>請至少勾選一個商品。</translation>
    </message>
    <message>
        <source>The login has no order account.</source>
        <translation>此登入沒有下單帳號。</translation>
    </message>
    <message>
        <source>Add a support or a resistance, and arm it.</source>
        <translation>請新增支撐或壓力並設為監控。</translation>
    </message>
    <message>
        <source>Stopped</source>
        <translation>已停止</translation>
    </message>
    <message>
        <source>Starting…</source>
        <translation>啟動中…</translation>
    </message>
    <message>
        <source>● Trading</source>
        <translation>● 交易中</translation>
    </message>
    <message>
        <source>▲ Not guarding: {why}</source>
        <translation>▲ 未監控：{why}</translation>
    </message>
    <message>
        <source>Stopping…</source>
        <translation>停止中…</translation>
    </message>
    <message>
        <source>Stop trading? Conditions are no longer watched and positions are not guarded.</source>
        <translation>停止交易？條件將不再監控，部位不再受守護。</translation>
    </message>
    <message>
        <source>Stop</source>
        <translation>停止</translation>
    </message>
    <message>
        <source>Flatten everything? All working orders are cancelled, all conditions are released and all positions are closed at the market. New entries stay stopped.</source>
        <translation>全部平倉？將取消所有有效委託、解除所有條件，並以市價平倉所有部位；之後維持停止新進場。</translation>
    </message>
    <message>
        <source>Flatten everything</source>
        <translation>全部平倉</translation>
    </message>
    <message>
        <source>Flatten</source>
        <translation>全部平倉</translation>
    </message>
    <message>
        <source>Halted by a person</source>
        <translation>由人工暫停</translation>
    </message>
    <message>
        <source>Halted by a limit of risk</source>
        <translation>由風控上限暫停</translation>
    </message>
    <message>
        <source>Halted by a failure</source>
        <translation>因故障暫停</translation>
    </message>
    <message>
        <source>Halted before this window could see by whom</source>
        <translation>在此視窗得知之前已暫停</translation>
    </message>
    <message>
        <source>{who} at {time}</source>
        <translation>{who}（{time}）</translation>
    </message>
    <message>
        <source>Type {word} to let new entries through again.</source>
        <translation>輸入 {word} 以恢復新進場。</translation>
    </message>
    <message>
        <source>Resume</source>
        <translation>恢復交易</translation>
    </message>
</context>
<context>
    <name>StoredDayPicker</name>
    <message>
        <source>The market store is being read…</source>
        <translation>正在讀取行情庫…</translation>
    </message>
    <message>
        <source>The market store has no closed day yet. File, Import market data… brings some.</source>
        <translation>行情庫還沒有已結束的交易日。可由「檔案」→「匯入行情資料…」匯入。</translation>
    </message>
    <message>
        <source>The recorder has days that are not closed yet: {why}</source>
        <translation>錄製程序仍持有尚未結束的交易日：{why}</translation>
    </message>
    <message>
        <source>Not closed yet, and so not in the list: {days} ({store})</source>
        <translation>尚未結束，因此不在清單中：{days}（{store}）</translation>
    </message>
    <message>
        <source>Trade date</source>
        <translation>交易日</translation>
    </message>
    <message>
        <source>Sessions</source>
        <translation>盤別</translation>
    </message>
    <message>
        <source>Lots</source>
        <translation>口數</translation>
    </message>
    <message>
        <source>From</source>
        <translation>來源</translation>
    </message>
    <message>
        <source>Contract</source>
        <translation>契約</translation>
    </message>
    <message>
        <source>Night lots</source>
        <translation>夜盤口數</translation>
    </message>
    <message>
        <source>Day lots</source>
        <translation>日盤口數</translation>
    </message>
    <message>
        <source>Close these days</source>
        <translation>結束這些交易日</translation>
    </message>
    <message>
        <source>Taipei time; a trade date begins at 15:00 of the evening before</source>
        <translation>台北時間；交易日自前一晚 15:00 開始</translation>
    </message>
    <message>
        <source>Taipei time; a trade date ends at 13:45</source>
        <translation>台北時間；交易日於 13:45 結束</translation>
    </message>
    <message>
        <source>Whole day</source>
        <translation>全日</translation>
    </message>
    <message>
        <source>From – to</source>
        <translation>自訂時段</translation>
    </message>
</context>
<context>
    <name>Terminal</name>
    <message>
        <source>Feed (SUB)</source>
        <translation>行情(SUB)</translation>
    </message>
    <message>
        <source>Queries (DEALER)</source>
        <translation>查詢(DEALER)</translation>
    </message>
    <message>
        <source>Telemetry (SUB)</source>
        <translation>遙測(SUB)</translation>
    </message>
    <message>
        <source>History (DEALER)</source>
        <translation>歷史資料(DEALER)</translation>
    </message>
    <message>
        <source>The recorder is not running.</source>
        <translation>紀錄程序未執行。</translation>
    </message>
    <message>
        <source>Public key of the servers</source>
        <translation>伺服器公鑰</translation>
    </message>
    <message>
        <source>Leave now? Nobody guards {left} any more: stops and take profits live in this program.</source>
        <translation>現在離開？{left} 將無人守護：停損與停利只存在於本程式。</translation>
    </message>
    <message>
        <source>Not guarded</source>
        <translation>未守護</translation>
    </message>
    <message>
        <source>Leave unguarded</source>
        <translation>離開，不守護</translation>
    </message>
    <message>
        <source>Trading is stopped, but a process does not end: its lamp and the log say which.</source>
        <translation>已停止交易，但有程序未結束：請看其燈號與記錄。</translation>
    </message>
</context>
<context>
    <name>TicketDock</name>
    <message>
        <source>Order ticket</source>
        <translation>下單</translation>
    </message>
    <message>
        <source>Contract</source>
        <translation>商品</translation>
    </message>
    <message>
        <source>Account</source>
        <translation>帳號</translation>
    </message>
    <message>
        <source>Type</source>
        <translation>類別</translation>
    </message>
    <message>
        <source>Price</source>
        <translation>價格</translation>
    </message>
    <message>
        <source>Lots</source>
        <translation>口數</translation>
    </message>
    <message>
        <source>Only reduce</source>
        <translation>僅平倉</translation>
    </message>
    <message>
        <source>The order never opens or turns a position</source>
        <translation>此委託不會新增或反轉部位</translation>
    </message>
    <message>
        <source>Ask before sending</source>
        <translation>送出前確認</translation>
    </message>
    <message>
        <source>Log in to send orders.</source>
        <translation>請先登入才能下單。</translation>
    </message>
    <message>
        <source>Choose a contract in the list of contracts.</source>
        <translation>請在商品清單中選擇商品。</translation>
    </message>
    <message>
        <source>Enter a price, or click one in the book.</source>
        <translation>請輸入價格，或點選五檔報價。</translation>
    </message>
    <message>
        <source>Send order</source>
        <translation>送出委託</translation>
    </message>
</context>
</TS>
