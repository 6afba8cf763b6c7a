#' Targets and latents of new rows, with their limits
#'
#' @param data data frame with the columns of features and forcings; text for classes.
#' @param level probability of the intervals, NULL for none.
#' @return data frame, one row a row of data: targets and latents under their own names;
#'   _low and _high of a target hold a new observation, _mean_low and _mean_high its mean;
#'   both of a latent and of a mean are NA where the equations are more than a sum of
#'   curves, whose limits `sciren predict` gives by its resamples;
#'   outside is 1 beyond the rows that the model was made from.
#' @export
predict_equations <- function(data, level = 0.95) {
    columns <- model_columns(data)
    rows <- nrow(data)
    result <- lapply(.model$outputs, function(output) {
        value <- do.call(output$call, unname(columns[output$arguments]))
        rep_len(as.numeric(value), rows)
    })
    names(result) <- names(.model$outputs)
    if (!is.null(level) && !is.null(.model$law)) {
        if (!is.numeric(level) || length(level) != 1L || level <= 0 || level >= 1) {
            stop("level is ", format(level), "; use a probability such as 0.9")
        }
        result <- c(result, interval_columns(columns, result, level))
    }
    for (name in names(.model$powers)) {
        ends <- paste0(name, c("", "_low", "_high", "_mean_low", "_mean_high"))
        for (end in intersect(ends, names(result))) {
            result[[end]] <- result[[end]] * .model$powers[[name]]
        }
    }
    as.data.frame(result, optional = TRUE)
}

# Columns as numbers, in the unit in which the equations were found.
model_columns <- function(data) {
    if (!is.data.frame(data)) {
        stop("data is no data frame; give one with the columns ",
             paste(.model$needed, collapse = ", "))
    }
    missing <- setdiff(.model$needed, names(data))
    if (length(missing) > 0) {
        stop("there is no column ", missing[1], "; the equations need ",
             paste(.model$needed, collapse = ", "))
    }
    used <- intersect(c(.model$needed, .model$watched), names(data))
    columns <- lapply(used, function(name) {
        labels <- .model$classes[[name]]
        if (!is.null(labels) && !is.numeric(data[[name]])) {
            found <- labels[as.character(data[[name]])]
            return(unname(ifelse(is.na(data[[name]]), NA, ifelse(is.na(found), 0, found))))
        }
        if (!is.numeric(data[[name]]) && !is.logical(data[[name]])) {
            stop("column ", name, " holds no numbers")
        }
        scale <- .model$divided[[name]]
        as.numeric(data[[name]]) / (if (is.null(scale)) 1 else scale)
    })
    names(columns) <- used
    columns
}

# Values of the basis of one curve, one row a value.
basis_columns <- function(basis, x) {
    if (basis$kind == "classes") {
        place <- match(x, basis$codes)
        found <- basis$values[place, , drop = FALSE]
        found[is.na(place), ] <- 0
        return(found)
    }
    if (basis$kind == "harmonics") {
        angle <- outer(x, seq_len(basis$count)) * 2 * pi / basis$period
        raw <- cbind(cos(angle), sin(angle))
        raw <- raw[, c(rbind(seq_len(basis$count), basis$count + seq_len(basis$count))),
                   drop = FALSE]
        return(sweep(raw, 2, basis$mean) %*% basis$transform)
    }
    z <- (x - basis$centre) / basis$unit
    knots <- basis$knots
    k <- findInterval(z, knots, all.inside = TRUE)
    held <- pmin(pmax(z, knots[1]), knots[length(knots)])
    s <- held - knots[k]
    values <- vapply(seq_len(dim(basis$pieces)[1]), function(column) {
        p <- matrix(basis$pieces[column, , ], ncol = 4)[k, , drop = FALSE]
        value <- ((p[, 1] * s + p[, 2]) * s + p[, 3]) * s + p[, 4]
        value + ((3 * p[, 1] * s + 2 * p[, 2]) * s + p[, 3]) * (z - held)
    }, numeric(length(x)))
    matrix(values, nrow = length(x))
}

# Designs of raw latents, one matrix a latent: rows by parameters.
latent_designs <- function(law, columns, rows, edges) {
    size <- length(law$theta)
    lapply(seq_along(law$latents), function(latent) {
        design <- matrix(0, rows, size)
        design[, latent] <- 1
        for (edge in Filter(function(one) one$latent == latent, edges)) {
            x <- columns[[edge$feature]]
            if (is.null(x)) next
            known <- is.finite(x)
            design[known, edge$places] <- basis_columns(edge$basis, x[known])
        }
        design
    })
}

# Variances of raw latents for classes that no training row had: rows by latents.
new_class_variances <- function(law, columns, rows, level, edges) {
    apart <- matrix(0, rows, length(law$latents))
    for (edge in Filter(function(one) one$apart > 0, edges)) {
        x <- columns[[edge$feature]]
        if (is.null(x)) next
        unseen <- is.finite(x) & !(x %in% edge$basis$codes)
        # Few classes do not know how far they lie apart: Student's t of their number.
        p <- (1 + level) / 2
        few <- stats::qt(p, length(edge$basis$codes) - 1) / stats::qt(p, law$freedom)
        apart[unseen, edge$latent] <- apart[unseen, edge$latent] + edge$apart * few^2
    }
    apart
}

law_means <- function(law, raw, constants, columns) {
    inside <- lapply(seq_along(law$latents), function(k) law$bounds[[k]](raw[, k]))
    physical <- ifelse(law$in_logs, exp(ifelse(law$in_logs, constants, 0)), constants)
    given <- c(inside, as.list(physical), unname(columns[law$forcings]))
    lapply(law$means, function(mean) rep_len(do.call(mean, given), nrow(raw)))
}

# Derivatives of the means by every raw latent and constant: central differences.
law_slopes <- function(law, raw, constants, columns) {
    step <- 1e-4
    by_latent <- lapply(seq_len(ncol(raw)), function(k) {
        spread <- sqrt(mean((raw[, k] - mean(raw[, k]))^2))
        size <- step * max(spread, 1e-3 * mean(abs(raw[, k])))
        if (size == 0) size <- step * 1e-3
        moved <- raw * 0
        moved[, k] <- size
        up <- law_means(law, raw + moved, constants, columns)
        down <- law_means(law, raw - moved, constants, columns)
        Map(function(a, b) (a - b) / (2 * size), up, down)
    })
    by_constant <- lapply(seq_along(constants), function(k) {
        size <- step * max(abs(constants[k]), 1)
        moved <- replace(numeric(length(constants)), k, size)
        up <- law_means(law, raw, constants + moved, columns)
        down <- law_means(law, raw, constants - moved, columns)
        Map(function(a, b) (a - b) / (2 * size), up, down)
    })
    c(by_latent, by_constant)
}

transformed <- function(scale, value) {
    if (scale$kind == "log") {
        return(log(pmax(value + scale$offset, 1e-3 * scale$offset)) / scale$sd)
    }
    if (scale$kind == "asinh") return(asinh(value / scale$offset) / scale$sd)
    value / scale$sd
}

restored <- function(scale, value) {
    if (scale$kind == "log") return(exp(value * scale$sd) - scale$offset)
    if (scale$kind == "asinh") return(sinh(value * scale$sd) * scale$offset)
    value * scale$sd
}

noise_size <- function(law, mean) {
    if (law$growth == 0) return(rep_len(1, length(mean)))
    pmax(abs(mean), max(law$floor, 1e-300))^law$growth
}

score_quantiles <- function(law, level) {
    wanted <- min(level * (1 + 1 / law$effective), 1)
    if (law$skewed) {
        tail <- (1 - wanted) / 2
        return(unname(stats::quantile(law$scores, c(tail, 1 - tail))))
    }
    sizes <- sort(abs(law$scores))
    high <- sizes[ceiling((length(sizes) - 1) * wanted - 1e-9) + 1]
    c(-high, high)
}

# Limits of means and latents by the recommended fit, with some of its edges.
law_limits <- function(law, columns, rows, level, edges) {
    quantile <- stats::qt((1 + level) / 2, law$freedom)
    designs <- latent_designs(law, columns, rows, edges)
    raw <- vapply(designs, function(one) drop(one %*% law$theta), numeric(rows))
    raw <- matrix(raw, nrow = rows)
    places <- seq_along(law$constants) + length(law$theta) - length(law$constants)
    constant <- lapply(places, function(place) {
        design <- matrix(0, rows, length(law$theta))
        design[, place] <- 1
        design
    })
    both <- c(designs, constant)
    moved <- lapply(both, function(one) one %*% law$covariance)
    spread <- function(a, b) rowSums(moved[[a]] * both[[b]])
    apart <- new_class_variances(law, columns, rows, level, edges)
    constants <- law$theta[places]
    found <- list()
    slopes <- law_slopes(law, raw, constants, columns)
    middle <- law_means(law, raw, constants, columns)
    for (k in seq_along(law$targets)) {
        variance <- 0
        for (a in seq_along(both)) for (b in seq_along(both)) {
            variance <- variance + slopes[[a]][[k]] * slopes[[b]][[k]] * spread(a, b)
        }
        new_class <- 0
        for (a in seq_along(law$latents)) {
            new_class <- new_class + slopes[[a]][[k]]^2 * apart[, a]
        }
        reach <- quantile * sqrt(pmax(variance + new_class, 0))
        ends <- widened(law, k, middle[[k]] - reach, middle[[k]] + reach, level)
        name <- paste0(law$targets[k], "_mean")
        found[[name]] <- list(ends$low, ends$high, law$targets[k],
                              quantile * sqrt(new_class))
    }
    for (k in seq_along(law$latents)) {
        name <- law$latents[k]
        if (name %in% law$targets) next
        reach <- quantile * sqrt(pmax(spread(k, k) + apart[, k], 0))
        ends <- cbind(law$bounds[[k]](raw[, k] - reach), law$bounds[[k]](raw[, k] + reach))
        found[[name]] <- list(pmin(ends[, 1], ends[, 2]), pmax(ends[, 1], ends[, 2]), name)
    }
    found
}

interval_columns <- function(columns, predicted, level) {
    law <- .model$law
    rows <- length(predicted[[1]])
    found <- list()
    for (k in seq_along(law$targets)) {
        name <- law$targets[k]
        scale <- law$scales[[k]]
        mean <- transformed(scale, predicted[[name]])
        quantiles <- score_quantiles(law$scores[[k]], level)
        size <- noise_size(law$scores[[k]], mean)
        found[[paste0(name, "_low")]] <- restored(scale, mean + quantiles[1] * size)
        found[[paste0(name, "_high")]] <- restored(scale, mean + quantiles[2] * size)
    }
    limits <- law_limits(law, columns, rows, level, law$edges)
    stay <- Filter(function(one) !one$left_out, law$edges)
    # An undecided feature that the equations leave out may act or not.
    without <- limits
    if (length(stay) < length(law$edges)) {
        without <- law_limits(law, columns, rows, level, stay)
    }
    # A new observation of a class that no row had lies apart by as much, in quadrature.
    for (name in law$targets) {
        mean <- paste0(name, "_mean")
        half <- pmax(limits[[mean]][[4]], without[[mean]][[4]])
        new <- which(half > 0)
        for (end in c("_low", "_high")) {
            column <- paste0(name, end)
            off <- found[[column]][new] - predicted[[name]][new]
            sign <- if (end == "_low") -1 else 1
            found[[column]][new] <- predicted[[name]][new] + sign * sqrt(off^2 + half[new]^2)
        }
    }
    for (name in names(limits)) {
        value <- predicted[[limits[[name]][[3]]]]
        if (!law$sums) value <- NA_real_
        found[[paste0(name, "_low")]] <-
            pmin(limits[[name]][[1]], without[[name]][[1]], value)
        found[[paste0(name, "_high")]] <-
            pmax(limits[[name]][[2]], without[[name]][[2]], value)
    }
    found$outside <- as.integer(beyond_the_data(law$reach, columns, rows))
    found
}

# What the equations are known to miss widens the interval of the mean, in quadrature.
widened <- function(law, k, low, high, level) {
    lack <- law$lack[k]
    if (lack <= 0) return(list(low = low, high = high))
    ends <- list(transformed(law$scales[[k]], low), transformed(law$scales[[k]], high))
    middle <- (ends[[1]] + ends[[2]]) / 2
    half <- (ends[[2]] - ends[[1]]) / 2
    size <- lack * noise_size(law$noise[[k]], middle)
    reach <- sqrt(half^2 + (stats::qnorm((1 + level) / 2) * size)^2)
    list(low = restored(law$scales[[k]], middle - reach),
         high = restored(law$scales[[k]], middle + reach))
}

# Whether rows lie beyond a range, or further from the middle than any row of the data.
beyond_the_data <- function(reach, columns, rows) {
    outside <- rep(FALSE, rows)
    for (name in intersect(names(reach$classes), names(columns))) {
        x <- columns[[name]]
        outside <- outside | !(x %in% reach$classes[[name]] | is.na(x))
    }
    places <- which(reach$names %in% names(columns))
    if (length(places) == 0) return(outside)
    x <- do.call(cbind, unname(columns[reach$names[places]]))
    slack <- 1e-9 * (reach$high - reach$low)
    for (k in seq_along(places)) {
        place <- places[k]
        far <- x[, k] < reach$low[place] - slack[place] |
            x[, k] > reach$high[place] + slack[place]
        outside <- outside | (!is.na(far) & far)
    }
    centred <- sweep(x, 2, reach$mean[places])
    centred[is.na(centred)] <- 0
    inverse <- reach$inverse
    if (length(places) < length(reach$names)) {
        inverse <- solve(solve(inverse)[places, places, drop = FALSE])
    }
    outside | rowSums((centred %*% inverse) * centred) > reach$farthest * (1 + 1e-9)
}
