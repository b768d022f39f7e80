using Microsoft.AspNetCore.Connections;

namespace PoolHub.Daemon.Http;

/// <summary>Gives every failure that no endpoint answered its problem details.</summary>
internal static partial class Failures
{
    /// <param name="app">The requests' way.</param>
    /// <param name="unavailable">What to tell the caller when something that the hub needs is away for now; null: it is a fault.</param>
    /// <param name="log">Where faults go.</param>
    public static void UseProblemDetails(this IApplicationBuilder app, Func<Exception, string?> unavailable, ILogger log) => app.Use(async (http, next) =>
    {
        try
        {
            await next(http);
        }
        catch (BadHttpRequestException e) when (!http.Response.HasStarted)
        {
            await http.Response.ProblemAsync(e.StatusCode, "the request could not be read");
            return;
        }
        catch (Exception e) when (!http.Response.HasStarted && unavailable(e) is not null)
        {
            await http.Response.ProblemAsync(StatusCodes.Status503ServiceUnavailable, unavailable(e)!, retryAfterSec: 1);
            return;
        }
        catch (Exception e) when (IsAbort(e, http))
        {
            // The caller went away, or the hub stops and waits no longer.
            return;
        }
        catch (Exception e)
        {
            RequestFailed(log, http.Request.Method, http.Request.Path, e);
            if (!http.Response.HasStarted)
            {
                await http.Response.ProblemAsync(StatusCodes.Status500InternalServerError, "the hub failed; its log says why");
            }
            return;
        }
        if (!http.Response.HasStarted && http.Response.ContentLength is null)
        {
            switch (http.Response.StatusCode)
            {
                case StatusCodes.Status404NotFound:
                    await http.Response.ProblemAsync(StatusCodes.Status404NotFound, "there is nothing at this address");
                    break;
                case StatusCodes.Status405MethodNotAllowed:
                    await http.Response.ProblemAsync(
                        StatusCodes.Status405MethodNotAllowed, $"this address takes {http.Response.Headers.Allow} only");
                    break;
                default:
                    break;
            }
        }
    });

    /// <summary>A reader of the body may learn of the connection's end before <see cref="HttpContext.RequestAborted"/> says so.</summary>
    private static bool IsAbort(Exception e, HttpContext http) =>
        e is OperationCanceledException or IOException
        && (http.RequestAborted.IsCancellationRequested
            || e is ConnectionAbortedException or ConnectionResetException
            || e.InnerException is ConnectionAbortedException or ConnectionResetException);

    [LoggerMessage(LogLevel.Error, "{Method} {Path} failed")]
    private static partial void RequestFailed(ILogger log, string method, string path, Exception e);
}
