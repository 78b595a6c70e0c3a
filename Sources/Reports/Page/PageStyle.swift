/// The CSS rules of a page's text and tables. `Theme.figureRules` has the rules of its figures.
enum PageStyle {
    static let rules = """
        *{box-sizing:border-box}
        [hidden]{display:none!important}
        :focus-visible{outline:2px solid var(--hue1);outline-offset:2px}
        html{-webkit-text-size-adjust:100%;text-size-adjust:100%}
        body{margin:0 auto;padding:1.5rem clamp(.75rem,3vw,2rem) 4rem;max-width:1280px;background:var(--ground);\
        color:var(--ink);\
        font:15px/1.55 system-ui,-apple-system,"Segoe UI",Roboto,"Noto Sans",sans-serif}
        h1{font-size:1.7rem;line-height:1.2;margin:.2rem 0 .3rem;overflow-wrap:anywhere}
        h2{font-size:1.25rem;line-height:1.3;margin:2.6rem 0 .7rem;padding-top:.7rem;border-top:1px solid var(--grid);\
        overflow-wrap:anywhere}
        h3{font-size:1.03rem;line-height:1.35;margin:1.7rem 0 .5rem;overflow-wrap:anywhere}
        h4{font-size:.95rem;line-height:1.35;margin:0 0 .25rem;overflow-wrap:anywhere}
        p{margin:.4rem 0 .8rem;max-width:75ch;overflow-wrap:anywhere}
        .remark{color:var(--muted);font-size:.9rem}
        .warning{color:var(--warning);font-size:.9rem;padding-left:.7rem;border-left:3px solid currentColor}
        nav{display:flex;flex-wrap:wrap;gap:.3rem 1.1rem;margin:1rem 0 0;font-size:.95rem}
        a{color:var(--hue1);text-underline-offset:.15em}
        .table{margin:.6rem 0 1.1rem;border:1px solid var(--grid);border-radius:6px;width:fit-content;\
        max-width:100%}
        table{border-collapse:separate;border-spacing:0;font-size:.88rem;font-variant-numeric:tabular-nums}
        th,td{padding:.36rem .75rem;text-align:right;white-space:nowrap;font-weight:400;\
        border-top:1px solid var(--grid)}
        thead th{font-weight:600;border-top:0;background:var(--card);vertical-align:bottom}
        thead th.long{white-space:normal;overflow-wrap:anywhere;min-width:11rem}
        thead button{all:unset;cursor:pointer;text-align:inherit}
        thead button::after{content:"↕";margin-left:.3em;color:var(--muted);font-weight:400}
        [aria-sort=ascending] button::after{content:"↑";color:var(--ink)}
        [aria-sort=descending] button::after{content:"↓";color:var(--ink)}
        thead button:focus-visible{outline:2px solid var(--hue1);outline-offset:2px}
        .scrolls{overflow-x:auto;background:linear-gradient(to right,var(--ground) 40%,transparent) left/2.2rem 100%,\
        linear-gradient(to left,var(--ground) 40%,transparent) right/2.2rem 100%,\
        linear-gradient(to right,var(--shadow),transparent) left/.9rem 100%,\
        linear-gradient(to left,var(--shadow),transparent) right/.9rem 100%;background-repeat:no-repeat;\
        background-attachment:local,local,scroll,scroll}
        tbody tr:first-child>*{border-top-width:1px}
        .facts tbody tr:first-child>*{border-top:0}
        th.text,td.text{text-align:left}
        tbody th{position:sticky;left:0;background:var(--ground);color:var(--ink);max-width:min(46vw,26rem);\
        overflow:hidden;text-overflow:ellipsis}
        thead th:first-child{position:sticky;left:0;z-index:1}
        td.long{max-width:44rem;white-space:normal;overflow-wrap:anywhere;min-width:16rem}
        .facts tbody th{color:var(--muted);position:static;min-width:6.5rem;overflow-wrap:normal}
        .facts td{white-space:normal;overflow-wrap:anywhere;min-width:0}
        .best{background:var(--best);font-weight:600}
        .apart{color:var(--warning);font-weight:600}
        .legend{list-style:none;display:flex;flex-wrap:wrap;gap:.2rem 1.2rem;margin:.6rem 0;padding:0;font-size:.88rem}
        .legend li{display:flex;align-items:center;gap:.4rem;overflow-wrap:anywhere}
        .sample{flex:none;margin-right:.35rem;vertical-align:-2px}
        .legend .sample{margin-right:0}
        .figures{display:grid;grid-template-columns:repeat(auto-fill,minmax(min(100%,410px),1fr));gap:1.6rem 2rem;\
        margin:.8rem 0 1.2rem}
        figure{margin:0;min-width:0;position:relative}
        figure .legend{margin:.1rem 0 .4rem;gap:.05rem 1rem;font-size:.82rem}
        .switch fieldset{border:0;padding:0;margin:.4rem 0 .8rem;display:flex;flex-wrap:wrap;gap:.2rem 1rem;\
        font-size:.9rem}
        .switch legend{float:left;padding:0;margin-right:1rem;color:var(--muted)}
        .switch label{cursor:pointer}
        .switch input{accent-color:var(--hue1)}
        .drawing>svg{touch-action:pan-y}
        .crosshair{pointer-events:none}
        .crosshair line{stroke:var(--muted);stroke-width:1px;vector-effect:non-scaling-stroke}
        .crosshair circle{fill:currentColor;stroke:var(--ground);stroke-width:1px}
        .readout{position:absolute;left:0;z-index:2;max-width:100%;padding:.35rem .6rem;background:var(--card);\
        border:1px solid var(--axis);border-radius:6px;font-size:.82rem;line-height:1.4;pointer-events:none;\
        font-variant-numeric:tabular-nums}
        .readout div{display:flex;gap:.45rem;align-items:baseline;overflow-wrap:anywhere}
        .readout i{flex:none;align-self:center;width:.9rem;height:3px;background:currentColor}
        .readout b{margin-left:auto;padding-left:.6rem;white-space:nowrap}
        figure.wide{grid-column:1/-1}
        .drawing{container-type:inline-size}
        .drawing>svg{display:block;width:100%;height:auto;max-width:640px}
        .wide .drawing>svg{min-width:calc(var(--width)*.92);max-width:calc(var(--width)*1.5)}
        figcaption{color:var(--muted);font-size:.85rem;margin-top:.35rem}
        details{margin:.4rem 0}
        summary{cursor:pointer;overflow-wrap:anywhere}
        pre{margin:.5rem 0 1rem;padding:.8rem 1rem;border:1px solid var(--grid);border-radius:6px;\
        font:.82rem/1.5 ui-monospace,SFMono-Regular,Menlo,Consolas,monospace;tab-size:4}
        @media (max-width:480px){body{font-size:14.5px}th,td{padding:.32rem .55rem}h1{font-size:1.4rem}tbody th{\
        white-space:normal;overflow-wrap:break-word;min-width:8.2rem}.facts tbody th{min-width:6.5rem}}
        @media print{nav,.switch,.readout,.crosshair,thead button::after{display:none}\
        figure,tr{break-inside:avoid}h2,h3,h4{break-after:avoid}.scrolls{overflow:visible}\
        th,td{white-space:normal;overflow-wrap:anywhere}thead{display:table-header-group}}
        """

    /// A drawing grows with its column, but its texts keep their size.
    static let figureSizes =
        "@container (min-width:500px){.drawing .figure{font-size:10px}}"
        + ".wide .drawing .figure{font-size:12px}@container (min-width:600px){.wide .drawing .figure{font-size:10px}}"
}
