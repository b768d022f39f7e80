using System.Buffers;
using System.IO.Pipelines;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Microsoft.AspNetCore.Http.Features;
using PoolHub.Protocol;

namespace PoolHub.Daemon.Http;

/// <summary>Request bodies: read whole, bounded, as one JSON value.</summary>
internal static class Bodies
{
    /// <summary>False when the request says that it has none.</summary>
    public static bool HasBody(this HttpContext http) =>
        http.Request.ContentLength is not 0 && http.Features.Get<IHttpRequestBodyDetectionFeature>()?.CanHaveBody != false;

    /// <summary>The body, or null after a problem has been answered.</summary>
    /// <param name="http">The request.</param>
    /// <param name="type">How the body is read.</param>
    /// <param name="quick">Reads it faster; where this gives null, it is read by <paramref name="type"/>.</param>
    public static ValueTask<T?> ReadJsonAsync<T>(this HttpContext http, JsonTypeInfo<T> type, Func<ReadOnlySequence<byte>, T?>? quick = null)
        where T : class => http.ReadJsonAsync(type, quick, grown: null);

    /// <summary>The body of a caller that has not shown yet who it is, or null after a problem has been answered.</summary>
    /// <param name="http">The request.</param>
    /// <param name="type">How the body is read.</param>
    /// <param name="budget">What all such bodies may take together; 503 when it is used up.</param>
    public static async ValueTask<T?> ReadJsonAsync<T>(this HttpContext http, JsonTypeInfo<T> type, BodyBudget budget)
        where T : class
    {
        long counted = 0;
        try
        {
            return await http.ReadJsonAsync(type, quick: null, grown: bytes =>
            {
                bool grows = budget.TryGrow(counted, bytes);
                counted = grows ? bytes : counted;
                return grows;
            });
        }
        finally
        {
            budget.Return(counted);
        }
    }

    private static async ValueTask<T?> ReadJsonAsync<T>(
        this HttpContext http, JsonTypeInfo<T> type, Func<ReadOnlySequence<byte>, T?>? quick, Func<long, bool>? grown)
        where T : class
    {
        PipeReader reader = http.Request.BodyReader;
        while (true)
        {
            ReadResult read;
            try
            {
                // Not with RequestAborted, which costs each request a token source: an aborted connection ends the read.
                read = await reader.ReadAsync();
            }
            catch (BadHttpRequestException e) when (e.StatusCode == StatusCodes.Status408RequestTimeout)
            {
                Drop(http);
                return null;
            }
            catch (BadHttpRequestException e)
            {
                await http.Response.ProblemAsync(e.StatusCode, e.StatusCode == StatusCodes.Status413PayloadTooLarge
                    ? $"the body must be at most {Limits.MaxBodyBytes} bytes"
                    : "the body could not be read");
                return null;
            }
            catch (IOException)
            {
                Drop(http);
                throw;
            }
            if (read.Buffer.Length > Limits.MaxBodyBytes)
            {
                reader.AdvanceTo(read.Buffer.End);
                await http.Response.ProblemAsync(StatusCodes.Status413PayloadTooLarge, $"the body must be at most {Limits.MaxBodyBytes} bytes");
                return null;
            }
            if (grown?.Invoke(read.Buffer.Length) == false)
            {
                reader.AdvanceTo(read.Buffer.End);
                await http.Response.ProblemAsync(StatusCodes.Status503ServiceUnavailable, "too many long bodies are being sent", retryAfterSec: 1);
                return null;
            }
            if (!read.IsCompleted)
            {
                reader.AdvanceTo(read.Buffer.Start, read.Buffer.End);
                continue;
            }
            (string? Field, string Detail) fault = (null, "");
            T? body = quick?.Invoke(read.Buffer) ?? Parse(read.Buffer, type, out fault);
            reader.AdvanceTo(read.Buffer.End);
            if (body is null)
            {
                await http.Response.ProblemAsync(StatusCodes.Status400BadRequest, fault.Detail, fault.Field);
            }
            return body;
        }
    }

    /// <summary>
    /// Ends the connection after a reading that failed. Kestrel would want to read the rest, could not, and complain:
    /// strangers are not to fill the log.
    /// </summary>
    private static void Drop(HttpContext http) => http.Abort();

    /// <summary>Parses one JSON value; on failure the field's path and what is wrong with it.</summary>
    public static T? Parse<T>(ReadOnlySequence<byte> utf8, JsonTypeInfo<T> type, out (string? Field, string Detail) fault)
        where T : class
    {
        fault = (null, "the body must be a JSON object");
        try
        {
            var reader = new Utf8JsonReader(utf8);
            T? value = JsonSerializer.Deserialize(ref reader, type);
            if (value is not null && reader.Read())
            {
                return null;
            }
            return value;
        }
        catch (JsonException e)
        {
            string? field = e.Path is { Length: > 2 } path && path[0] == '$' ? path[2..] : null;
            fault = (field, field is null
                ? "the body must be a JSON object" + (e.LineNumber is { } line ? $" (line {line + 1}, byte {e.BytePositionInLine})" : "")
                : $"{field} {Reason(e)}");
            return null;
        }
    }

    private static string Reason(JsonException e) =>
        e.Message.Contains("could not be mapped", StringComparison.Ordinal) ? "is not a field of this request"
        : e.Message.StartsWith("must ", StringComparison.Ordinal) ? e.Message.Split(" Path:")[0]
        : e.Message.Contains("could not be converted", StringComparison.Ordinal) ? "has the wrong type or is out of range"
        : "is not valid JSON";
}
