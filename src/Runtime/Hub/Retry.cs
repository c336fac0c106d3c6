using Polly;
using Polly.Retry;

namespace Handwritten.Runtime.Hub;

/// <summary>Tries again what failed in passing: after the time that the server asks for, or after twice the last pause.</summary>
internal static class Retry
{
    /// <summary>The rule for requests to a hub.</summary>
    public static ResiliencePipeline For(HubOptions options) =>
        options.Attempts <= 1 ? ResiliencePipeline.Empty : new ResiliencePipelineBuilder().AddRetry(new RetryStrategyOptions
        {
            ShouldHandle = arguments => ValueTask.FromResult(
                arguments.Outcome.Exception is PassingTroubleException trouble && (trouble.Wait is not { } wait || wait <= options.LongestPause)),
            MaxRetryAttempts = options.Attempts - 1,
            Delay = options.FirstPause,
            BackoffType = DelayBackoffType.Exponential,
            UseJitter = true,
            DelayGenerator = arguments => ValueTask.FromResult((arguments.Outcome.Exception as PassingTroubleException)?.Wait),
        }).Build();
}
