/** uPlot, which charts of lines are drawn with: sent once a kernel, however many widgets draw with it. */

export { default as UPlot } from "uplot";
export { default as style } from "uplot/dist/uPlot.min.css";
