using System.Globalization;
using System.Net.Http.Headers;
using System.Net.Sockets;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using PoolHub.Protocol.Http;

namespace PoolHub.Protocol.Client;

/// <summary>One request and its JSON answer, with every failure turned into a <see cref="HubException"/>.</summary>
internal static class HubHttp
{
    public const string SessionHeader = "X-PoolHub-Session";

    public static HttpContent Body<T>(T body, JsonTypeInfo<T> type) =>
        new ByteArrayContent(JsonSerializer.SerializeToUtf8Bytes(body, type))
        {
            Headers = { ContentType = new MediaTypeHeaderValue("application/json") },
        };

    /// <summary>What a list of holds is asked for.</summary>
    public static (string Name, string? Value)[] Holds(ReleaseHoldsRequest? which, int? limit, string? cursor) =>
    [
        ("job_id", which?.JobId), ("miner_id", which?.MinerId), ("match_id", which?.MatchId), ("coordinator", which?.Coordinator),
        ("limit", limit?.ToString(CultureInfo.InvariantCulture)), ("cursor", cursor),
    ];

    /// <exception cref="HubException">The hub refused, failed, could not be reached, or answered no such JSON.</exception>
    public static async Task<T> SendAsync<T>(
        HttpMessageInvoker http, HttpRequestMessage request, JsonTypeInfo<T> type, CancellationToken cancel)
    {
        try
        {
            using HttpResponseMessage response = http is HttpClient client
                ? await client.SendAsync(request, HttpCompletionOption.ResponseContentRead, cancel)
                : await http.SendAsync(request, cancel);
            byte[] body = await response.Content.ReadAsByteArrayAsync(cancel);
            if (!response.IsSuccessStatusCode)
            {
                throw Refused(response, body);
            }
            return JsonSerializer.Deserialize(body, type) ?? throw new JsonException("the answer is null");
        }
        catch (HttpRequestException error)
        {
            throw new HubException($"cannot reach the hub at {Where(request)}: {Reason(error)}", error);
        }
        catch (IOException error)
        {
            throw new HubException($"the connection to the hub at {Where(request)} broke: {error.Message}", error);
        }
        catch (JsonException error)
        {
            throw new HubException($"{Where(request)} did not answer as a hub does: {error.Message}", error);
        }
        catch (OperationCanceledException error) when (!cancel.IsCancellationRequested)
        {
            throw new HubException($"the hub at {Where(request)} did not answer in time", error);
        }
    }

    private static HubException Refused(HttpResponseMessage response, byte[] body)
    {
        Problem? problem = ReadProblem(response, body);
        TimeSpan? retryAfter = response.Headers.RetryAfter switch
        {
            { Delta: { } delta } => delta,
            _ when problem?.RetryAfterSec is { } seconds => TimeSpan.FromSeconds(seconds),
            _ => null,
        };
        string message = problem is null
            ? $"the hub answered {(int)response.StatusCode} {response.ReasonPhrase}"
            : problem.Detail ?? problem.Title;
        if (problem?.Field is { } field && !message.Contains(field, StringComparison.Ordinal))
        {
            message = $"{field}: {message}";
        }
        if (retryAfter is { } pause)
        {
            message += $" (try again in {Math.Ceiling(pause.TotalSeconds)} s)";
        }
        return new HubException(message)
        {
            StatusCode = response.StatusCode,
            Problem = problem,
            RetryAfter = retryAfter,
        };
    }

    private static Problem? ReadProblem(HttpResponseMessage response, byte[] body)
    {
        // A proxy in front of the hub answers in HTML.
        if (response.Content.Headers.ContentType?.MediaType is not ("application/problem+json" or "application/json"))
        {
            return null;
        }
        try
        {
            return JsonSerializer.Deserialize(body, HubJson.Default.Problem);
        }
        catch (JsonException)
        {
            return null;
        }
    }

    private static string Where(HttpRequestMessage request) =>
        request.RequestUri is { IsAbsoluteUri: true } uri ? uri.GetLeftPart(UriPartial.Authority) : "its address";

    private static string Reason(HttpRequestException error) => error switch
    {
        { InnerException: SocketException { SocketErrorCode: SocketError.ConnectionRefused } } => "nothing listens there",
        { InnerException: SocketException { SocketErrorCode: SocketError.TimedOut } } =>
            "no connection was made in time: the address is wrong, or a firewall or a ban of this address drops what is sent there",
        { HttpRequestError: HttpRequestError.NameResolutionError } => "the name is unknown",
        { HttpRequestError: HttpRequestError.SecureConnectionError } => $"TLS failed ({(error.InnerException ?? error).Message})",
        _ => (error.InnerException ?? error).Message,
    };

    /// <summary>A relative address with a query of those values that are given.</summary>
    public static Uri Address(string path, params ReadOnlySpan<(string Name, string? Value)> query)
    {
        char separator = '?';
        foreach ((string name, string? value) in query)
        {
            if (value is not null)
            {
                path += $"{separator}{name}={Uri.EscapeDataString(value)}";
                separator = '&';
            }
        }
        return new Uri(path, UriKind.Relative);
    }
}
