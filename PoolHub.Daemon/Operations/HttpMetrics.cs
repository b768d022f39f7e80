using System.Globalization;
using Prometheus;

namespace PoolHub.Daemon.Operations;

internal static class HttpMetrics
{
    public static void UseHttpMetrics(this IApplicationBuilder app, IMetricFactory metrics)
    {
        Counter requests = metrics.CreateCounter("poolhub_http_requests_total", "HTTP requests answered, by status code.", ["code"]);
        var byCode = new Counter.Child?[600];
        app.Use(async (http, next) =>
        {
            await next(http);
            int code = http.Response.StatusCode;
            if (code is >= 100 and < 600)
            {
                (byCode[code] ??= requests.WithLabels(code.ToString(CultureInfo.InvariantCulture))).Inc();
            }
        });
    }
}
